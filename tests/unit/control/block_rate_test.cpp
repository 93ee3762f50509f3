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
    sums_.judged += judged;
    sums_.blocked += blocked;
    now_ += minutes(1);
    rate_.count(now_, sums_);
  }
  void watch(double ratio) {
    rate_.watch(now_, {.release = "abc", .before = 7, .most_ratio = ratio});
  }
  std::optional<BlockRate::Halt> halt() { return rate_.halt(now_); }

  BlockRate rate_;
  BlockRate::Time now_{};
  Verdicts sums_{.blocked = 100, .judged = 500};
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
  EXPECT_EQ(found->reason, "it blocks 4.1 % of 1001 names, where it were 2.0 % of 1000 before");
  EXPECT_FALSE(halt()) << "told once";
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

TEST_F(BlockRateTest, AnotherProcessCountsFromZero) {
  see(0, 0);
  see(5000, 10);
  watch(2);
  sums_ = {};
  see(5000, 5000);
  EXPECT_FALSE(rate_.watches());
  EXPECT_FALSE(halt());
}

TEST(Verdicts, AreOnlyTakenWhole) {
  const auto good = nlohmann::json::parse(
      R"({"counters":{"verdict_pass":5,"verdict_block":3,"verdict_log":2,"verdict_rewrite":1}})");
  const auto sums = verdicts(good);
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->judged, 11U);
  EXPECT_EQ(sums->blocked, 3U);
  for (const char* name : {"verdict_pass", "verdict_block", "verdict_log", "verdict_rewrite"}) {
    nlohmann::json other = good;
    other["counters"][name] = -1;
    EXPECT_FALSE(verdicts(other));
    other["counters"].erase(name);
    EXPECT_FALSE(verdicts(other));
  }
  EXPECT_FALSE(verdicts({{"ok", false}}));
  EXPECT_FALSE(verdicts({{"counters", 7}}));
}

}  // namespace
}  // namespace sluice::service
