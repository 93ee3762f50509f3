// The layers of other owners on devices that have a mode of their own.
#include <gtest/gtest.h>

#include "config/policy/timetable.h"

namespace sluice::policy {
namespace {

constexpr Mac kMac = {2, 0, 0, 0, 0, 9};

CategoryMask category(std::string_view name) { return bit(find_category(name)->id); }

/// A teacher's layer for the class, another's for what is at port 0, and a province's for all.
PolicySet make_set(Group group) {
  PolicySet set;
  set.policies = {{.name = "open"},
                  {.name = "layer/li", .blocked = category("social")},
                  {.name = "layer/wu", .blocked = category("video")},
                  {.name = "signed/province", .blocked = category("superstition")}};
  set.layers = {{.policy = "layer/li", .owner = "Ms Li", .groups = {"class"}},
                {.policy = "layer/wu", .owner = "Mr Wu", .groups = {"cellar"}},
                {.policy = "signed/province", .owner = "The province", .everybody = true}};
  group.name = "class";
  group.policy = "open";
  set.groups = {std::move(group), {.name = "cellar", .policy = "open", .ports = {"cellar"}}};
  set.default_policy = "open";
  return set;
}

CategoryMask blocked(const PolicySet& set, const Client& client) {
  const std::vector<std::string> ports = {"cellar", "attic"};
  const GroupTable groups = GroupTable::build(set, ports).value();
  const Timetable timetable(set, groups);
  const auto masks = timetable.masks(0);
  return masks[groups.find(client, masks.data())].blocked;
}

// Whichever way a frame tells the class, a mode by the device's MAC neither leaves the layer of its
// group out, nor takes that of port 0, where no frame of it has come from.
TEST(DeviceLayers, AreThoseOfTheGroupThatTheFrameTells) {
  Prefix prefix{.address = {10, 7}, .length = 16};
  Prefix in_vlan = prefix;
  in_vlan.vlan = {7, 0};
  const std::vector<std::pair<const char*, Group>> classes = {
      {"MAC", {.macs = {kMac}}},
      {"prefix", {.prefixes = {prefix}}},
      {"prefix in a VLAN", {.prefixes = {in_vlan}}},
      {"VLAN", {.vlans = {{7, 0}}}},
      {"port", {.ports = {"attic"}}},
  };
  const Client in_class{
      .mac = kMac, .has_ip = true, .address = {10, 7, 0, 5}, .outer_vlan = 7, .port = 1};
  const Client elsewhere{.mac = kMac, .has_ip = true, .address = {10, 9, 0, 5}, .port = 2};
  Client below = elsewhere;
  below.port = 0;
  const CategoryMask province = category("superstition");
  for (const auto& [told_by, group] : classes) {
    for (const char* policy : {"open", ""}) {
      SCOPED_TRACE(std::string(told_by) + ", " + policy);
      PolicySet set = make_set(group);
      set.modes = {{.word = "x", .mac = kMac, .policy = policy}};
      EXPECT_EQ(blocked(set, in_class), category("social") | province);
      if (!group.macs.empty()) continue;  // that goes before all else, wherever it is
      EXPECT_EQ(blocked(set, elsewhere), province);
      EXPECT_EQ(blocked(set, below), category("video") | province);
    }
  }
}

}  // namespace
}  // namespace sluice::policy
