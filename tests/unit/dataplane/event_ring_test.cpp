#include "dataplane/stats/event_ring.h"

#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace sluice::stats {
namespace {

TEST(EventRing, RefusesWhenFullAndLosesNothingElse) {
  const auto ring = std::make_unique<EventRing>();
  BlockEvent event;
  std::uint32_t pushed = 0;
  while (ring->push(event)) event.provenance = ++pushed;
  EXPECT_EQ(pushed, 1024U);
  for (std::uint32_t i = 0; i < pushed; ++i) {
    ASSERT_TRUE(ring->pop(event));
    EXPECT_EQ(event.provenance, i);
  }
  EXPECT_FALSE(ring->pop(event));
}

TEST(EventRing, KeepsOrderBetweenTwoThreads) {
  const auto ring = std::make_unique<EventRing>();
  constexpr std::uint32_t kEvents = 200000;
  std::thread producer([&] {
    BlockEvent event;
    for (std::uint32_t i = 0; i < kEvents;) {
      event.provenance = i;
      if (ring->push(event)) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  BlockEvent event;
  for (std::uint32_t i = 0; i < kEvents;) {
    if (!ring->pop(event)) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(event.provenance, i);
    ++i;
  }
  producer.join();
}

}  // namespace
}  // namespace sluice::stats
