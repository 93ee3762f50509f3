#include "dataplane/stats/stages.h"

#include <gtest/gtest.h>

namespace sluice::stats {
namespace {

TEST(StageClock, TimesOneBurstInSoMany) {
  StageClock clock;
  for (std::uint32_t burst = 0; burst < 3 * kTimedOneIn; ++burst) {
    clock.begin();
    clock.add_frames(32);
    clock.end(Stage::receive);
    clock.end(Stage::send);
  }
  EXPECT_EQ(clock.frames(), 3U * 32U);
  EXPECT_EQ(clock.sum(Stage::parse), 0U);
}

TEST(StageClock, GivesEachStageItsOwnTime) {
  StageClock clock;
  const auto spin = [](std::uint64_t least) {
    for (const std::uint64_t begin = cycles(); cycles() - begin < least;) {
    }
  };
  for (std::uint32_t burst = 0; burst < kTimedOneIn; ++burst) clock.begin();
  spin(2000);
  clock.end(Stage::receive);
  spin(50'000);
  clock.end(Stage::classify);
  clock.end(Stage::send);
  EXPECT_GE(clock.sum(Stage::receive), 2000U);
  EXPECT_GE(clock.sum(Stage::classify), 50'000U);
}

TEST(StageClock, LeavesEmptyPollsOut) {
  StageClock clock;
  for (std::uint32_t poll = 0; poll < 10 * kTimedOneIn; ++poll) clock.begin();
  for (std::size_t i = 0; i < kStageCount; ++i) EXPECT_EQ(clock.sum(static_cast<Stage>(i)), 0U);
}

}  // namespace
}  // namespace sluice::stats
