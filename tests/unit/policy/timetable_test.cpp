#include "config/policy/timetable.h"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

constexpr std::int64_t kDay = 86400;

CategoryMask category(std::string_view name) { return bit(find_category(name)->id); }

/// Games between 100 and 200 and between 300 and 400 only; video not then.
PolicySet make_set() {
  PolicySet set;
  set.schedules = {{"play", false, {100, 200, 300, 400}}, {"always", true, {}}};
  set.schedules_from = 10;
  set.schedules_until = kDay;
  Policy pupils{.name = "pupils", .blocked = category("gambling"), .watched = category("social")};
  pupils.hours = {{0, category("games"), true}, {0, category("video"), false}};
  Policy night{.name = "night"};
  night.hours = {{1, category("live"), false}};
  night.block_when_time_unknown = false;
  set.policies = {pupils, night, {.name = "teachers", .blocked = category("malware")}};
  set.groups = {{.name = "boarders", .policy = "night", .vlans = {{7, 0}}},
                {.name = "teachers", .policy = "teachers", .vlans = {{8, 0}}}};
  set.default_policy = "pupils";
  set.time_zone = "Asia/Shanghai";
  return set;
}

struct Fixture {
  PolicySet set = make_set();
  GroupTable groups = GroupTable::build(set, {}).value();
  Timetable timetable{set, groups};
};

TEST(Timetable, BlocksByTheClock) {
  const Fixture f;
  const CategoryMask outside = category("gambling") | category("games");
  const CategoryMask inside = category("gambling") | category("video");
  for (const auto& [moment, blocked] : {std::pair{99, outside},
                                        {100, inside},
                                        {199, inside},
                                        {200, outside},
                                        {300, inside},
                                        {400, outside}}) {
    EXPECT_EQ(f.timetable.masks(0, moment).blocked, blocked) << moment;
    EXPECT_EQ(f.timetable.masks(0, moment).watched, category("social")) << moment;
    EXPECT_EQ(f.timetable.masks(1, moment).blocked, category("live")) << moment;
    EXPECT_EQ(f.timetable.masks(2, moment).blocked, category("malware")) << moment;
  }
}

TEST(Timetable, HasAResultForATimeThatNobodyKnows) {
  const Fixture f;
  const CategoryMask all = category("gambling") | category("games") | category("video");
  for (const Moment moment : {Moment{}, Moment{9}, Moment{kDay}, Moment{-1}}) {
    EXPECT_FALSE(f.timetable.covers(moment));
    EXPECT_EQ(f.timetable.masks(0, moment).blocked, all);
    EXPECT_EQ(f.timetable.masks(1, moment).blocked, 0U);  // its policy says so
    EXPECT_EQ(f.timetable.period(moment), 0U);
  }
}

TEST(Timetable, MasksOfAllGroupsAreThoseOfEach) {
  const Fixture f;
  for (std::int64_t moment = 0; moment < 500; moment += 7) {
    const auto all = f.timetable.masks(Moment{moment});
    ASSERT_EQ(all.size(), f.groups.groups().size());
    for (std::uint16_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i], f.timetable.masks(i, Moment{moment}));
    }
  }
}

TEST(Timetable, APeriodLastsAsLongAsItsMasks) {
  const Fixture f;
  for (std::int64_t moment = 1; moment < 500; ++moment) {
    const bool changed = f.timetable.masks(Moment{moment}) != f.timetable.masks(Moment{moment - 1});
    if (!changed) continue;
    EXPECT_NE(f.timetable.period(moment), f.timetable.period(moment - 1)) << moment;
  }
  EXPECT_EQ(f.timetable.period(150), f.timetable.period(199));
}

TEST(Timetable, TravelsInTheDocument) {
  const std::string json = to_json(make_set());
  const auto back = from_json(json);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->schedules[0].toggles.size(), 4U);
  EXPECT_TRUE(back->policies[0].hours[0].only_during);
  EXPECT_FALSE(back->policies[1].block_when_time_unknown);
  for (const std::string_view bad :
       {R"({"schedules":[{"name":"a","toggles":[2,1]}]})", R"({"schedules":[{"toggles":[-1]}]})",
        R"({"schedules":[{"toggles":[1,1]}]})", R"({"schedules":[{"toggles":["1"]}]})",
        R"({"policies":[{"name":"p","hours":[{"schedule":"none"}]}]})",
        R"({"schedules_until":253402300800})"}) {
    EXPECT_FALSE(from_json(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluice::policy
