// When a release blocks so much more that it has to end.
#include "control/service/block_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::service {
namespace {

using std::chrono::minutes;

class BlockRateTest : public ::testing::Test {
 protected:
  /// So many more names, a minute later.
  void see(std::uint64_t judged, std::uint64_t blocked) {
    look_.sums.judged += judged;
    look_.sums.blocked += blocked;
    now_ += minutes(1);
    rate_.take(now_, look_);
  }
  void report(std::uint64_t by_authority, std::uint64_t by_site) {
    look_.sums.by_authority += by_authority;
    look_.sums.reported += by_authority + by_site;
  }
  /// A release takes effect.
  void watch(double ratio) {
    const std::uint64_t before = look_.generation++;
    rate_.expect(
        {.release = "abc", .made = look_.generation, .before = before, .most_ratio = ratio});
    rate_.take(now_, look_);
  }
  std::optional<BlockRate::Halt> halt() { return rate_.halt(now_); }

  BlockRate rate_;
  BlockRate::Time now_{};
  Look look_{.sums = {.blocked = 100, .judged = 500}, .generation = 7, .period = "{}"};
};

TEST_F(BlockRateTest, EndsWhatBlocksSoManyTimesMore) {
  see(0, 0);
  see(1000, 20);
  watch(2);
  see(1000, 40);
  EXPECT_FALSE(halt()) << "just twice as much";
  see(1, 1);
  const auto found = halt();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what.release, "abc");
  EXPECT_EQ(found->what.before, 7U);
  EXPECT_EQ(
      found->reason,
      "by the authority's lists it blocks 4.1 % of 1001 names, where it were 2.0 % of 1000 before");
  EXPECT_FALSE(halt()) << "told once";
}

TEST_F(BlockRateTest, WhatTheSiteItselfBlocksIsNoReleasesFault) {
  see(0, 0);
  report(20, 0);
  see(1000, 20);
  watch(2);
  report(20, 480);  // a budget that many have used up
  see(1000, 500);
  EXPECT_FALSE(halt());
  report(30, 0);
  see(0, 30);
  const auto found = halt();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->reason,
            "by the authority's lists it blocks 5.0 % of 1000 names, where it were 2.0 % of 1000 "
            "before");
}

TEST_F(BlockRateTest, ReportsThatWereLostAreOfWhichever) {
  see(0, 0);
  report(10, 10);
  see(1000, 40);
  watch(2);
  report(5, 5);
  see(1000, 80);
  EXPECT_FALSE(halt()) << "twice as much";
  see(0, 1);
  EXPECT_TRUE(halt());
}

TEST_F(BlockRateTest, FewNamesSayNothing) {
  see(0, 0);
  see(999, 0);
  watch(1);
  EXPECT_FALSE(rate_.watches());
  see(5000, 5000);
  EXPECT_FALSE(halt());
  for (int i = 0; i < 61; ++i) see(1000, 0);
  watch(1);
  see(999, 999);
  EXPECT_FALSE(halt());
  see(1, 1);
  EXPECT_TRUE(halt());
}

TEST_F(BlockRateTest, NextToNothingIsTakenForAFewOfAThousand) {
  see(0, 0);
  see(100'000, 0);
  watch(3);
  see(1000, 15);
  EXPECT_FALSE(halt());
  see(0, 1);
  EXPECT_TRUE(halt());
}

TEST_F(BlockRateTest, ComparesWithTheLastHourForAnHour) {
  see(0, 0);
  see(10'000, 9000);
  for (int i = 0; i < 61; ++i) see(100, 1);
  watch(2);
  for (int i = 0; i < 60; ++i) see(100, 2);
  EXPECT_FALSE(halt());
  EXPECT_TRUE(rate_.watches());
  see(10'000, 10'000);
  EXPECT_FALSE(halt()) << "the hour is over";
  EXPECT_FALSE(rate_.watches());
}

TEST_F(BlockRateTest, WhatElseChangesEndsIt) {
  const auto watched = [&] {
    for (int i = 0; i < 2; ++i) see(5000, 10);
    watch(2);
    return rate_.watches();
  };
  see(0, 0);
  ASSERT_TRUE(watched());
  ++look_.generation;  // of the site's lists, or of a mode
  see(5000, 5000);
  EXPECT_FALSE(rate_.watches());
  ASSERT_TRUE(watched());
  look_.period = "{games}";
  see(5000, 5000);
  EXPECT_FALSE(rate_.watches());
  ASSERT_TRUE(watched());
  look_.sums = {};  // another process
  see(5000, 5000);
  EXPECT_FALSE(rate_.watches());
  EXPECT_FALSE(halt());
  // Nor is a release compared with another period's share.
  see(5000, 10);
  look_.period = "{}";
  watch(2);
  EXPECT_FALSE(rate_.watches());
}

TEST_F(BlockRateTest, WaitsForItsGeneration) {
  see(0, 0);
  see(5000, 10);
  rate_.expect({.release = "abc", .made = 9, .before = 7, .most_ratio = 2});
  see(5000, 10);
  EXPECT_FALSE(rate_.watches()) << "the dataplane still loads it";
  look_.generation = 9;
  see(10, 0);
  EXPECT_TRUE(rate_.watches());
}

TEST(Look, IsOnlyTakenWhole) {
  const auto status = nlohmann::json::parse(R"({"generation":4,"schedules":{"games":true}})");
  const auto stats = nlohmann::json::parse(
      R"({"counters":{"verdict_pass":5,"verdict_block":3,"verdict_log":2,"verdict_rewrite":1}})");
  const auto look = look_of(status, stats);
  ASSERT_TRUE(look);
  EXPECT_EQ(look->sums.judged, 11U);
  EXPECT_EQ(look->sums.blocked, 3U);
  EXPECT_EQ(look->generation, 4U);
  EXPECT_EQ(look->period, "{\"games\":true}\n");
  for (const char* name : {"verdict_pass", "verdict_block", "verdict_log", "verdict_rewrite"}) {
    nlohmann::json other = stats;
    other["counters"][name] = -1;
    EXPECT_FALSE(look_of(status, other));
    other["counters"].erase(name);
    EXPECT_FALSE(look_of(status, other));
  }
  EXPECT_FALSE(look_of(status, {{"ok", false}}));
  EXPECT_FALSE(look_of(status, {{"counters", 7}}));
  EXPECT_FALSE(look_of({{"generation", nullptr}}, stats));
  EXPECT_FALSE(look_of({{"ok", true}}, stats));
}

}  // namespace
}  // namespace sluice::service
