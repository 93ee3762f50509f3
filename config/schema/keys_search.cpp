// The keys of search engines that answer for minors under another name.
#include <array>

#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

constexpr Shape kEngineName{.kind = Kind::text,
                            .noun = "a domain name, such as www.example.com",
                            .minimum = 1,
                            .maximum = policy::kMaxSafeName};
constexpr Shape kEngineNames{
    .kind = Kind::list, .noun = "a list of domain names", .item = &kEngineName};

constexpr std::array kEngineFields{
    Field{"names", &kEngineNames, true, "",
          "Names that are asked for, each alone and not what is below it. With none, the engine is "
          "left as it is."},
    Field{"strict", &kEngineName, true, "", "The engine's own name that is asked for instead."},
    Field{"moderate", &kEngineName, false, "`strict`",
          "The one at that level, where the engine has two."},
};
constexpr Shape kEngine{.kind = Kind::mapping,
                        .noun = "its keys",
                        .fields = kEngineFields,
                        .because = "an engine has names, and one for minors"};

constexpr std::array<std::string_view, 3> kLevels{"pass", "moderate", "strict"};

}  // namespace

constexpr Shape kSafeSearch = one_of(kLevels);
constexpr Shape kSearchEngines{.kind = Kind::named,
                               .noun = "engines, as NAME: {names: [NAME], strict: NAME}",
                               .minimum = 0,
                               .maximum = policy::kMaxSearchEngines,
                               .item = &kEngine};

}  // namespace sluice::schema
