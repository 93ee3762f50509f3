// Policies that stand under others: what each of them refuses adds up.
#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "config/policy/timetable.h"

namespace sluice::policy {
namespace {

constexpr std::int64_t kNoon = 43200;
constexpr Mac kMac = {2, 0, 0, 0, 0, 9};

CategoryMask category(std::string_view name) { return bit(find_category(name)->id); }

/// A city's over a school's over a class's, and a clinic's under the city's as well.
PolicySet make_set() {
  PolicySet set;
  set.policies = {{.name = "class", .blocked = category("games"), .under = 1},
                  {.name = "school",
                   .blocked = category("social"),
                   .strict = true,
                   .safe_search = SafeSearch::moderate,
                   .under = 2},
                  {.name = "city", .blocked = category("gambling"), .withhold_ech = true},
                  {.name = "clinic", .blocked = category("video"), .under = 2},
                  {.name = "open", .watched = category("games")}};
  set.groups = {{.name = "class", .policy = "class", .vlans = {{7, 0}}},
                {.name = "school", .policy = "school", .vlans = {{8, 0}}}};
  set.default_policy = "clinic";
  return set;
}

struct Table {
  explicit Table(PolicySet given)
      : set(std::move(given)), groups(GroupTable::build(set, {}).value()), timetable(set, groups) {}
  [[nodiscard]] std::uint16_t group(std::uint16_t vlan, Moment moment = 0) const {
    const auto all = timetable.masks(moment);
    const Client client{.mac = kMac, .has_ip = true, .address = {192, 0, 2, 7}, .outer_vlan = vlan};
    return groups.find(client, all.data());
  }
  [[nodiscard]] Masks of(std::uint16_t vlan, Moment moment = 0) const {
    const std::uint16_t at = group(vlan, moment);
    EXPECT_EQ(timetable.masks(moment)[at], timetable.masks(at, moment));
    return timetable.masks(at, moment);
  }
  PolicySet set;
  GroupTable groups;
  Timetable timetable;
};

TEST(Layers, AddUp) {
  const Table table(make_set());
  const Masks own = table.of(7);
  EXPECT_EQ(own.blocked, category("games") | category("social") | category("gambling"));
  EXPECT_TRUE(own.strict && own.withhold_ech);
  EXPECT_EQ(own.safe_search, SafeSearch::moderate);
  EXPECT_EQ(table.of(8).blocked, category("social") | category("gambling"));
  EXPECT_EQ(table.of(0).blocked, category("video") | category("gambling"));
  EXPECT_EQ(table.timetable.layers(table.group(7), 0), (std::vector<std::uint16_t>{0, 1, 2}));
  EXPECT_TRUE(table.groups.any_withholds_ech());
}

TEST(Layers, AModeTakesThePlaceOfItsGroupsPolicyAndOfNothingAbove) {
  PolicySet set = make_set();
  set.modes = {{.word = "open", .group = "class", .policy = "open", .until = kNoon}};
  const Table table(set);
  EXPECT_EQ(table.of(7, 0).blocked, category("social") | category("gambling"));
  EXPECT_EQ(table.of(7, 0).watched, category("games"));
  EXPECT_EQ(table.timetable.layers(table.group(7), 0), (std::vector<std::uint16_t>{4, 1, 2}));
  EXPECT_EQ(table.of(7, kNoon).blocked,
            category("games") | category("social") | category("gambling"));
}

TEST(Layers, ADevicesModeStandsUnderWhatItsGroupStandsUnder) {
  PolicySet set = make_set();
  set.modes = {{.word = "open", .mac = kMac, .policy = "open"}};
  EXPECT_EQ(Table(set).of(7).blocked, category("social") | category("gambling"));
  EXPECT_EQ(Table(set).of(8).blocked, category("gambling"));
  EXPECT_EQ(Table(set).of(0).blocked, category("gambling"));
  set.default_policy.clear();
  EXPECT_EQ(Table(set).of(7).blocked, category("social") | category("gambling"));
  EXPECT_EQ(Table(set).of(0).blocked, 0U);
}

TEST(Layers, OfTwoThatLetLittleThroughBothHaveTo) {
  PolicySet set = make_set();
  set.curated = {{"a", {}, {}, {}}, {"b", {}, {}, {}}, {"c", {}, {}, {}}};
  set.policies[0].only = Only{.lists = 0b011, .refuse_unnamed = false};
  EXPECT_EQ(Table(set).of(7).only, (Clause{.lists = 0b011}));
  EXPECT_FALSE(Table(set).of(8).curated);
  set.policies[2].only = Only{.lists = 0b110, .categories = category("social")};
  const Table table(set);
  const Masks both = table.of(7);
  EXPECT_TRUE(both.curated && both.refuse_unnamed);
  for (std::uint64_t lists = 0; lists < 8; ++lists) {
    EXPECT_EQ(both.lets_through(lists, 0), (lists & 0b011) != 0 && (lists & 0b110) != 0);
    EXPECT_EQ(both.lets_through(lists, category("social")), (lists & 0b011) != 0);
  }
  EXPECT_EQ(table.of(8).only, (Clause{.lists = 0b110, .categories = category("social")}));
  EXPECT_EQ(table.of(8).further, nullptr);
}

TEST(Layers, TravelAndAreRefusedWhereTheyGoInCircles) {
  const PolicySet set = make_set();
  const auto back = from_json(to_json(set));
  ASSERT_TRUE(back) << back.error().text();
  for (std::size_t i = 0; i < set.policies.size(); ++i) {
    EXPECT_EQ(back->policies[i].under, set.policies[i].under);
  }
  std::string json = to_json(set);
  const std::string under = R"("under":"city")";
  json.replace(json.rfind(under), under.size(), R"("under":"town")");
  EXPECT_FALSE(from_json(json));
  PolicySet round = make_set();
  round.policies[2].under = 0;
  EXPECT_FALSE(from_json(to_json(round)));
  round.policies[2].under = 2;
  EXPECT_FALSE(from_json(to_json(round)));
}

// What stands above a group holds for it, whatever mode it or the device has.
TEST(Layers, PropertyNothingLiftsWhatIsAbove) {
  std::mt19937_64 random(7);
  const auto below = [&](std::size_t limit) {
    return static_cast<std::uint16_t>(random() % limit);
  };
  for (int round = 0; round < 2000; ++round) {
    PolicySet set;
    const std::size_t count = 2 + below(8);
    for (std::uint16_t i = 0; i < count; ++i) {
      Policy policy{.name = "p" + std::to_string(i), .blocked = random() & random()};
      if (i > 0 && below(3) != 0) policy.under = below(i);
      policy.strict = below(4) == 0;
      set.policies.push_back(std::move(policy));
    }
    const auto any = [&] { return "p" + std::to_string(below(count)); };
    set.default_policy = any();
    set.groups = {{.name = "a", .policy = any(), .vlans = {{7, 0}}},
                  {.name = "b", .policy = any(), .vlans = {{8, 0}}}};
    if (below(2) == 0) set.modes.push_back({.word = "m", .group = "a", .policy = any()});
    if (below(3) == 0) set.modes.push_back({.word = "m", .mac = kMac, .policy = any()});
    const Table table(set);
    const auto named = [&](const std::string& name) {
      return std::find_if(set.policies.begin(), set.policies.end(),
                          [&](const Policy& one) { return one.name == name; });
    };
    const auto above = [&](const std::string& name) {
      std::vector<std::uint16_t> out;
      for (auto at = named(name)->under; at != Policy::kNone; at = set.policies[at].under)
        out.push_back(at);
      return out;
    };
    for (const auto& [vlan, own] : {std::pair{std::uint16_t{7}, set.groups[0].policy},
                                    {std::uint16_t{8}, set.groups[1].policy},
                                    {std::uint16_t{0}, set.default_policy}}) {
      const Masks masks = table.of(vlan);
      for (const std::uint16_t at : above(own)) {
        EXPECT_EQ(masks.blocked & set.policies[at].blocked, set.policies[at].blocked);
        EXPECT_TRUE(masks.strict || !set.policies[at].strict);
      }
      if (set.modes.empty()) {
        EXPECT_EQ(masks.blocked & named(own)->blocked, named(own)->blocked);
      }
    }
  }
}

/// The same with a teacher's layer for the class and a province's for everybody.
PolicySet make_owned_set() {
  PolicySet set = make_set();
  set.policies.push_back({.name = "layer/li", .blocked = category("social")});
  set.policies.push_back({.name = "signed/province",
                          .blocked = category("superstition"),
                          .refuse_encrypted_dns = true});
  set.layers = {{.policy = "layer/li", .owner = "Ms Li", .groups = {"class", "gone"}},
                {.policy = "signed/province", .owner = "The province", .everybody = true}};
  return set;
}

TEST(Layers, OfOtherOwnersHoldForWhomTheyAreFor) {
  PolicySet set = make_owned_set();
  set.policies[1].blocked = 0;
  const Table table(set);
  const CategoryMask province = category("superstition");
  EXPECT_EQ(table.of(7).blocked,
            category("games") | category("social") | category("gambling") | province);
  EXPECT_EQ(table.of(8).blocked, category("gambling") | province);
  EXPECT_EQ(table.of(0).blocked, category("video") | category("gambling") | province);
  EXPECT_TRUE(table.of(0).refuse_encrypted_dns);
  EXPECT_TRUE(table.groups.any_refuses_encrypted_dns());
  EXPECT_EQ(table.timetable.layers(table.group(7), 0), (std::vector<std::uint16_t>{0, 1, 2, 5, 6}));
}

TEST(Layers, NoModeLiftsAnotherOwnersLayer) {
  PolicySet set = make_owned_set();
  set.modes = {{.word = "open", .group = "class", .policy = "open"},
               {.word = "open", .mac = kMac, .policy = "open"}};
  set.groups[0].macs = {kMac};
  const Table table(set);
  const CategoryMask owned = category("social") | category("superstition");
  EXPECT_EQ(table.of(7).blocked & owned, owned);  // the device's mode, in its class
  // Of a class that is known by its VLAN alone, as well; and only there.
  set.groups[0].macs.clear();
  const Table moved(set);
  EXPECT_EQ(moved.of(7).blocked & owned, owned);
  EXPECT_EQ(moved.of(8).blocked & owned, category("superstition"));
  EXPECT_EQ(moved.of(0).blocked & owned, category("superstition"));
  EXPECT_EQ(moved.timetable.mode(moved.group(7), 0)->word, "open");
  // Nor where there are too many of both to tell apart.
  PolicySet many = set;
  for (std::uint32_t i = 0; i < 40'000; ++i) {
    const Mac mac = {6, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    many.modes.push_back({.word = "open", .mac = mac, .policy = "open"});
  }
  EXPECT_EQ(Table(many).of(7).blocked & owned, owned);
  set.groups[0].macs = {kMac};
  set.modes.pop_back();
  EXPECT_EQ(Table(set).of(7).blocked & owned, owned);  // the class's
  set.modes = {{.word = "normal", .mac = kMac, .policy = {}}};
  EXPECT_EQ(Table(set).of(7).blocked & owned, owned);
}

TEST(Layers, OfOtherOwnersTravelWithThePolicy) {
  const PolicySet set = from_json(to_json(make_owned_set())).value();
  ASSERT_EQ(set.layers.size(), 2U);
  EXPECT_EQ(set.layers[0].policy, "layer/li");
  EXPECT_EQ(set.layers[0].owner, "Ms Li");
  EXPECT_EQ(set.layers[0].groups, (std::vector<std::string>{"class", "gone"}));
  EXPECT_TRUE(set.layers[1].everybody);
  PolicySet broken = make_owned_set();
  broken.layers[0].policy = "nothing";
  EXPECT_FALSE(GroupTable::build(broken, {}));
}

TEST(Layers, PropertyALayerNeverLoosens) {
  std::mt19937 random(7);
  const auto some = [&] { return CategoryMask{random()}; };
  for (int round = 0; round < 2000; ++round) {
    PolicySet set = make_set();
    Policy layer{.name = "layer/x", .blocked = some(), .watched = some()};
    layer.strict = random() % 2 == 0;
    layer.safe_search = static_cast<SafeSearch>(random() % 3);
    if (random() % 3 == 0) {
      layer.only =
          Only{.lists = random(), .categories = some(), .refuse_unnamed = random() % 2 == 0};
    }
    if (random() % 3 == 0) set.policies[0].only = Only{.lists = random(), .categories = some()};
    const Table without(set);
    const Masks before = without.of(7);
    set.policies.push_back(layer);
    set.layers = {{.policy = "layer/x", .owner = "x", .groups = {"class"}}};
    const Table with(set);
    const Masks after = with.of(7);
    ASSERT_EQ(after.blocked & before.blocked, before.blocked);
    ASSERT_GE(after.safe_search, before.safe_search);
    ASSERT_GE(after.strict, before.strict);
    ASSERT_GE(after.refuse_unnamed, before.refuse_unnamed);
    ASSERT_GE(after.curated, before.curated);
    for (int i = 0; before.curated && i < 20; ++i) {
      const CategoryMask on = some() & some() & some();
      const CategoryMask in = some() & some() & some() & some();
      ASSERT_TRUE(before.lets_through(on, in) || !after.lets_through(on, in));
    }
  }
}

}  // namespace
}  // namespace sluice::policy
