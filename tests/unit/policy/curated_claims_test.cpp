// What tells sooner than a device's group that no `only` concerns it: beside the group itself.
#include <gtest/gtest.h>
#include <random>

#include "config/policy/timetable.h"

namespace sluice::policy {
namespace {

class Dice {
 public:
  explicit Dice(unsigned seed) : of_(seed) {}
  std::uint8_t below(unsigned limit) { return static_cast<std::uint8_t>(of_() % limit); }
  bool once_in(unsigned many) { return below(many) == 0; }
  Mac mac() { return {2, 0, 0, 0, 0, below(30)}; }
  /// Of a network of its own for each group, two octets of which tell it.
  Prefix address(bool ipv6) {
    Prefix out{.length = static_cast<std::uint8_t>(ipv6 ? 128 : 32), .ipv6 = ipv6};
    out.address = {static_cast<std::uint8_t>(ipv6 ? 0x20 : 10), below(30), below(2), below(3)};
    return out;
  }

 private:
  std::mt19937 of_;
};

const std::vector<std::string> kPorts = {"p0", "p1", "p2", "p3", "p4"};

PolicySet any_groups(Dice& dice) {
  PolicySet set;
  set.policies = {{.name = "open"},
                  {.name = "study", .only = Only{}},
                  {.name = "under", .under = 1},
                  {.name = "layer/x", .only = Only{}}};
  set.default_policy = dice.once_in(10) ? "study" : "open";
  for (std::uint8_t i = 1; i < 25; ++i) {
    Group group{.name = "g" + std::to_string(i),
                .policy = dice.once_in(15) ? (dice.once_in(2) ? "under" : "study") : "open"};
    if (dice.once_in(3)) group.macs = {{2, 0, 0, 0, 0, i}};
    for (const bool ipv6 : {false, true}) {
      if (dice.once_in(2)) continue;
      Prefix prefix{.length = 16, .ipv6 = ipv6};
      prefix.address = {static_cast<std::uint8_t>(ipv6 ? 0x20 : 10), i};
      if (dice.once_in(3)) prefix.vlan.outer = dice.once_in(2) ? i : std::uint8_t{1};
      group.prefixes.push_back(prefix);
      if (dice.once_in(3)) continue;
      prefix.length = 24;
      prefix.address[2] = dice.below(2);
      prefix.vlan = {};
      group.prefixes.push_back(prefix);
    }
    if (dice.once_in(3)) group.vlans = {{i, dice.below(3)}};
    if (i < kPorts.size() && dice.once_in(3)) group.ports = {kPorts[i]};
    set.groups.push_back(std::move(group));
  }
  if (dice.once_in(3)) {
    set.layers = {{"layer/x", "x", false, {"g" + std::to_string(1 + dice.below(24))}}};
  }
  for (auto more = dice.below(3); more > 0; --more) {
    Mode mode{.word = "m", .policy = dice.once_in(2) ? "study" : dice.once_in(2) ? "open" : ""};
    if (dice.once_in(3)) {
      mode.group = "g" + std::to_string(1 + dice.below(24));
    } else if (dice.once_in(2)) {
      mode.mac = dice.mac();
    } else {
      mode.address = dice.address(dice.once_in(2));
    }
    set.modes.push_back(std::move(mode));
  }
  return set;
}

TEST(CuratedClaims, PropertyHoldWhomAnOnlyConcerns) {
  std::size_t concerned = 0;
  std::size_t told = 0;
  std::size_t asked = 0;
  for (unsigned round = 0; round < 1000; ++round) {
    Dice dice(round);
    const PolicySet set = any_groups(dice);
    const GroupTable groups = GroupTable::build(set, kPorts).value();
    const auto masks = Timetable(set, groups).masks(0);
    const auto claims = groups.curated_claims(masks);
    if (!claims) continue;
    for (int i = 0; i < 200; ++i) {
      const Prefix address = dice.address(dice.once_in(2));
      Client client{.mac = dice.mac(),
                    .has_ip = true,
                    .ipv6 = address.ipv6,
                    .address = address.address,
                    .outer_vlan = dice.once_in(2) ? dice.below(26) : std::uint8_t{0},
                    .port = dice.below(5)};
      if (client.outer_vlan != 0) client.inner_vlan = dice.below(3);
      const bool curated = masks[groups.find(client, masks.data())].curated;
      const bool found = claims->find(client).group != 0;
      ASSERT_TRUE(found || !curated) << "round " << round << ", client " << i;
      ++asked;
      concerned += curated ? 1U : 0U;
      told += found ? 0U : 1U;
    }
  }
  EXPECT_GT(asked, 100'000U);
  EXPECT_GT(concerned, asked / 50);
  EXPECT_GT(told, asked / 2);
}

TEST(CuratedClaims, AreNoneWhereTheyWouldHoldMost) {
  PolicySet set;
  set.policies = {{.name = "open"}, {.name = "study", .only = Only{}}};
  set.default_policy = "open";
  for (std::uint16_t i = 1; i <= 100; ++i) {
    set.groups.push_back({.name = "g" + std::to_string(i), .policy = "open", .vlans = {{i, 0}}});
  }
  const auto has_any = [&] {
    const GroupTable groups = GroupTable::build(set, {}).value();
    return groups.curated_claims(Timetable(set, groups).masks(0)).has_value();
  };
  for (int i = 0; i < 25; ++i) set.groups[static_cast<std::size_t>(i)].policy = "study";
  EXPECT_TRUE(has_any());
  set.groups[99].policy = "study";
  EXPECT_FALSE(has_any());
  set.groups[99].policy = "open";
  set.default_policy = "study";
  EXPECT_FALSE(has_any());
}

}  // namespace
}  // namespace sluice::policy
