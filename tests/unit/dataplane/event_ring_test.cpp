#include "dataplane/stats/event_ring.h"

#include <gtest/gtest.h>
#include <memory>
#include <thread>

namespace sluice::stats {
namespace {

bool push(EventRing& ring, std::uint32_t number) {
  BlockEvent* event = ring.claim();
  if (event == nullptr) return false;
  event->provenance = number;
  ring.publish();
  return true;
}

TEST(EventRing, RefusesWhenFullAndLosesNothingElse) {
  const auto ring = std::make_unique<EventRing>();
  std::uint32_t pushed = 0;
  while (push(*ring, pushed)) ++pushed;
  EXPECT_EQ(pushed, 1024U);
  BlockEvent event;
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
    for (std::uint32_t i = 0; i < kEvents;) {
      if (push(*ring, i)) {
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
