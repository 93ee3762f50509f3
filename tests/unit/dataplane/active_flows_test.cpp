#include "dataplane/flow/active_flows.h"

#include <gtest/gtest.h>

namespace sluice::flow {
namespace {

Key key(std::uint16_t port) { return {.client = {192, 0, 2, 2}, .client_port = port}; }

TEST(ActiveFlows, RemembersUntilIdle) {
  ActiveFlows flows;
  EXPECT_FALSE(flows.any());
  flows.put(key(1), 77, {.categories = 0b101}, 1000);
  EXPECT_TRUE(flows.any());
  EXPECT_TRUE(flows.may_hold(77));
  EXPECT_EQ(flows.find(key(1), 77, 1000 + ActiveFlows::kIdleMs)->categories, 0b101U);
  EXPECT_EQ(flows.find(key(1), 77, 1000 + 2 * ActiveFlows::kIdleMs)->categories,
            0b101U);  // it was used
  EXPECT_EQ(flows.find(key(1), 77, 1001 + 3 * ActiveFlows::kIdleMs), nullptr);
  EXPECT_EQ(flows.find(key(2), 77, 1000), nullptr);  // another of the same hash
}

TEST(ActiveFlows, TheLaterNameOfAConnectionCounts) {
  ActiveFlows flows;
  flows.put(key(1), 77, {.categories = 1}, 0);
  flows.put(key(1), 77, {.categories = 2}, 0);
  EXPECT_EQ(flows.find(key(1), 77, 0)->categories, 2U);
  flows.drop(key(1), 77);
  EXPECT_EQ(flows.find(key(1), 77, 0), nullptr);
  EXPECT_FALSE(flows.may_hold(77));
  flows.drop(key(1), 77);
}

TEST(ActiveFlows, TheLeastRecentlyUsedGivesWay) {
  ActiveFlows flows;
  for (std::uint16_t i = 0; i < 4; ++i) flows.put(key(i), 77, {.categories = 1}, i);
  EXPECT_EQ(flows.find(key(0), 77, 10)->categories, 1U);
  flows.put(key(9), 77, {.categories = 1}, 11);
  EXPECT_EQ(flows.find(key(1), 77, 12), nullptr);
  for (const std::uint16_t port : {0, 2, 3, 9})
    EXPECT_EQ(flows.find(key(port), 77, 12)->categories, 1U);
}

TEST(ActiveFlows, HashesWhoseTagIsNoughtAreKept) {
  ActiveFlows flows;
  EXPECT_FALSE(flows.may_hold(std::uint64_t{5} << 40));
  flows.put(key(1), std::uint64_t{5} << 40, {.categories = 1}, 0);
  EXPECT_TRUE(flows.may_hold(std::uint64_t{5} << 40));
  EXPECT_EQ(flows.find(key(1), std::uint64_t{5} << 40, 0)->categories, 1U);
}

}  // namespace
}  // namespace sluice::flow
