// The keys of files of other owners.
#include <array>

#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

constexpr std::array<std::string_view, 1> kAllWords{"all"};
constexpr Shape kAll{.kind = Kind::choice, .noun = "a list of groups in [ ]", .choices = kAllWords};
constexpr Shape kGroupName{.kind = Kind::name, .noun = "the name of a group"};
constexpr Shape kGroupNames{
    .kind = Kind::list, .noun = "a list of groups", .item = &kGroupName, .also = &kAll};
constexpr Shape kOwner{
    .kind = Kind::text, .noun = "who owns the file", .minimum = 1, .maximum = 100};

constexpr std::array kLayerFields{
    Field{"file", &kPath, true, "", "His file, with the keys of a policy, which may only refuse."},
    Field{"owner", &kOwner, true, "", "Who he is, as `explain` says it."},
    Field{"groups", &kGroupNames, true, "",
          "Whom his file is for; `default` are the devices of no group. `all`: every device."},
};
constexpr Shape kLayer{.kind = Kind::mapping,
                       .noun = "its keys",
                       .fields = kLayerFields,
                       .because = "a layer is somebody's, and for somebody"};

}  // namespace

constexpr Shape kLayers{.kind = Kind::named,
                        .noun = "files, as NAME: {file: PATH, owner: WHO, groups: [NAME]}",
                        .minimum = 0,
                        .maximum = 200,
                        .item = &kLayer};

}  // namespace sluice::schema
