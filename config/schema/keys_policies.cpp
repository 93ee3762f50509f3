// The keys of curated lists, of policies that let nothing else through, and of modes.
#include <array>

#include "config/schema/keys.h"
#include "config/schema/policy_presets.h"

namespace sluice::schema {
namespace {

using std::string_view;

constexpr Shape kDomain{
    .kind = Kind::text, .noun = "a domain name, such as example.com", .minimum = 1, .maximum = 254};
constexpr Shape kDomains{.kind = Kind::list, .noun = "a list of domain names", .item = &kDomain};
constexpr Shape kCuratedName{.kind = Kind::name, .noun = "the name of a curated list"};
constexpr Shape kCuratedNames{
    .kind = Kind::list, .noun = "a list of names of curated lists", .item = &kCuratedName};
constexpr Shape kOnlyCategory{.kind = Kind::category, .noun = "a category"};
constexpr Shape kOnlyCategories{
    .kind = Kind::list, .noun = "a list of categories", .item = &kOnlyCategory};
constexpr Shape kPolicyName{.kind = Kind::name, .noun = "the name of a policy"};

constexpr std::array<string_view, 2> kUnnamedChoices{"refuse", "pass"};
constexpr Shape kUnnamed = one_of(kUnnamedChoices);

constexpr std::array kCuratedFields{
    Field{"names", &kDomains, true, "", "Names that may be reached, each with all names below it."},
    Field{"needs", &kDomains, false, "none",
          "Names that the pages of those load from elsewhere: the same, but for what `explain` "
          "says."},
    Field{"except", &kDomains, false, "none",
          "Names below those that may not be reached, such as the games of a learning site."},
};
constexpr Shape kCuratedList{.kind = Kind::mapping,
                             .noun = "its keys",
                             .fields = kCuratedFields,
                             .because = "a list is of names"};

constexpr std::array kOnlyFields{
    Field{"lists", &kCuratedNames, false, "none", "Curated lists whose names may be reached."},
    Field{"categories", &kOnlyCategories, false, "none",
          "Categories whose names may be reached, where `block` and `hours` do not refuse them."},
    Field{
        "without_name", &kUnnamed, false, "refuse",
        "What carries no name that may be reached: other protocols, connections to addresses, and "
        "connections that were open before. `refuse` resets or drops all but DHCP, NTP, multicast "
        "and what ICMP a network needs; `pass` lets it through."},
};

constexpr std::array kModesFields{
    Field{"pause", &kPolicyName, false, "nothing passes",
          "The policy of the mode `pause`, such as one with an `only:` of a few names."},
    Field{"study", &kPolicyName, false, "there is no such mode", "The policy of the mode `study`."},
    Field{"exam", &kPolicyName, false, "there is no such mode", "The policy of the mode `exam`."},
    Field{"youth", &kPolicyName, false, "there is no such mode", "The policy of the mode `youth`."},
};

}  // namespace

constexpr Shape kCurated{.kind = Kind::named,
                         .noun = "lists, as NAME: {names: [example.com]}",
                         .minimum = 0,
                         .maximum = kMostOwnLists,
                         .item = &kCuratedList};
constexpr Shape kOnly{
    .kind = Kind::mapping, .noun = "lists, as {lists: [NAME]}", .fields = kOnlyFields};
constexpr Shape kModes{
    .kind = Kind::mapping, .noun = "modes, as study: POLICY", .fields = kModesFields};
constexpr Shape kPolicyPreset{
    .kind = Kind::choice, .noun = "a policy in { }", .choices = kPolicyPresets};

}  // namespace sluice::schema
