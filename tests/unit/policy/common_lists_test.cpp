// What two policies let through alone, beside a reference that asks each list by itself.
#include <gtest/gtest.h>
#include <random>

#include "config/policy/curated.h"
#include "config/policy/timetable.h"

namespace sluice::policy {
namespace {

name::LookupName lookup(std::string_view text) {
  name::LookupName out;
  EXPECT_EQ(name::from_text(text, out), name::Defect::none);
  return out;
}

/// Names whose labels meet again and again.
std::string any_name(std::mt19937_64& random, int most) {
  std::string out = random() % 2 == 0 ? "example" : "test";
  for (auto more = random() % static_cast<unsigned>(most); more > 0; --more) {
    out.insert(0, std::string(1, static_cast<char>('a' + random() % 3)) + ".");
  }
  return out;
}

/// A class that studies, under a school; a teacher's layer for it, and parents' for all. Each but
/// the class's own may have an `only`.
PolicySet make_set(std::mt19937_64& random) {
  PolicySet set;
  for (int i = 0; i < 5; ++i) {
    CuratedList list{.name = "list" + std::to_string(i)};
    for (auto* names : {&list.names, &list.needs, &list.except}) {
      for (auto more = random() % 4; more > 0; --more) names->push_back(any_name(random, 5));
    }
    set.curated.push_back(std::move(list));
  }
  set.policies = {{.name = "study", .under = 1},
                  {.name = "school"},
                  {.name = "layer/li"},
                  {.name = "layer/parents"}};
  for (Policy& policy : set.policies) {
    if (random() % 3 != 0) policy.only = Only{.lists = random() % 32};
  }
  set.layers = {{.policy = "layer/li", .groups = {"class"}},
                {.policy = "layer/parents", .everybody = true}};
  set.groups = {{.name = "class", .policy = "school", .vlans = {{7, 0}}}};
  set.default_policy = "school";
  set.modes = {{.word = "study", .group = "class", .policy = "study"}};
  return set;
}

TEST(CommonLists, PropertyANameHasToPassEach) {
  std::mt19937_64 random(11);
  std::size_t passed = 0;
  for (int round = 0; round < 300; ++round) {
    PolicySet set = make_set(random);
    const CuratedNames each(set.curated);
    ASSERT_EQ(add_common_lists(set), 0U);
    const auto travelled = from_json(to_json(set));
    ASSERT_TRUE(travelled) << travelled.error().text();
    const CuratedNames all(travelled->curated);
    const GroupTable groups = GroupTable::build(*travelled, {}).value();
    const Timetable timetable(*travelled, groups);
    for (const std::uint16_t vlan : {7, 0}) {
      const std::uint16_t group = groups.find({.outer_vlan = vlan}).group;
      const Masks masks = timetable.masks(group, 0);
      EXPECT_EQ(masks, timetable.masks(0)[group]);
      for (int i = 0; i < 40; ++i) {
        const auto name = lookup(any_name(random, 7));
        bool passes = true;
        for (const std::uint16_t by : timetable.layers(group, 0)) {
          const auto& only = set.policies[by].only;
          passes = passes && (!only || (only->lists & each.lists_of(name)) != 0);
        }
        EXPECT_EQ(decide({}, masks, all.lists_of(name)).action == Action::pass, passes);
        passed += passes && masks.curated ? 1 : 0;
      }
    }
  }
  EXPECT_GT(passed, 500U);
}

TEST(CommonLists, OfMoreThanThereIsRoomForLetNothingThrough) {
  PolicySet set;
  for (int i = 0; i < 20; ++i)
    set.curated.push_back({"l" + std::to_string(i), {"example"}, {}, {}});
  set.policies = {{.name = "all", .only = Only{.lists = 0x003FF}},
                  {.name = "layer/x", .only = Only{.lists = 0xFFC00}}};
  set.layers = {{.policy = "layer/x", .everybody = true}};
  set.default_policy = "all";
  EXPECT_EQ(add_common_lists(set), 100U - 44U);
  EXPECT_EQ(set.curated.size(), kMaxCuratedLists);
  EXPECT_TRUE(curated_by(set.curated, "example").size() == 20);  // those that a person wrote
}

TEST(CommonLists, ThatTravelAreOfListsBeforeThem) {
  PolicySet set;
  set.curated = {{"a", {"example"}, {}, {}}, {"b", {"a.example"}, {}, {}}};
  set.policies = {{.name = "all", .only = Only{.lists = 1}},
                  {.name = "layer/x", .only = Only{.lists = 2}}};
  set.layers = {{.policy = "layer/x", .everybody = true}};
  set.default_policy = "all";
  ASSERT_EQ(add_common_lists(set), 0U);
  ASSERT_EQ(set.curated.size(), 3U);
  EXPECT_EQ(set.curated[2].all_of, (std::vector<std::uint16_t>{0, 1}));
  std::string json = to_json(set);
  const std::string part = R"("all_of":["a")";
  ASSERT_NE(json.find(part), std::string::npos) << json;
  json.replace(json.find(part), part.size(), R"("all_of":["c")");
  EXPECT_FALSE(from_json(json));
}

// Two lists of thousands that have one name in common: all of a generation's readers hold it.
TEST(CommonLists, HoldNoMoreThanTellsThemApart) {
  PolicySet set;
  for (const std::string list : {"one", "two"}) {
    CuratedList names{.name = list, .names = {"common.example"}};
    for (int i = 0; i < 1000; ++i) names.names.push_back(list + std::to_string(i) + ".example");
    names.names.push_back("below.common.example");
    names.except = {"game.common.example"};
    set.curated.push_back(std::move(names));
  }
  set.policies = {{.name = "top", .only = Only{.lists = 1}},
                  {.name = "low", .only = Only{.lists = 2}, .under = 0}};
  set.default_policy = "low";
  ASSERT_EQ(add_common_lists(set), 0U);
  ASSERT_EQ(set.curated.size(), 3U);
  EXPECT_EQ(set.curated[2].names, std::vector<std::string>{"common.example"});
  EXPECT_EQ(set.curated[2].except, std::vector<std::string>{"game.common.example"});
}

}  // namespace
}  // namespace sluice::policy
