// Where an lcore's cycles go: the time-stamp counter, read once a stage of a burst. One burst in
// kTimedOneIn is timed, so that it can always be on: to read the counter eight times takes 150 ns,
// which a burst of 32 frames would feel. Empty polls are nobody's.
//
// Thread safety: the sums from any thread; all else by the owner only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/stats/counter.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace sluice::stats {

enum class Stage : std::uint8_t {
  receive,     // from a device's queue, or from another worker
  distribute,  // to other workers, by flow
  parse,
  classify,  // flows and inspectors: finds names
  look_up,
  decide,
  act,   // refusals, and the end of a burst's flows
  send,  // to a device's queue, or back to the worker that has it
  count_
};

inline constexpr std::size_t kStageCount = static_cast<std::size_t>(Stage::count_);
inline constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "receive", "distribute", "parse", "classify", "look_up", "decide", "act", "send"};

/// Cycles of the processor's time-stamp counter, or of the nearest thing to it.
[[nodiscard]] inline std::uint64_t cycles() {
#if defined(__x86_64__)
  return __rdtsc();
#elif defined(__aarch64__)
  std::uint64_t now = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(now));
  return now;
#else
  return 0;
#endif
}

/// A prime, so that it falls on all of a worker's queues in turn.
inline constexpr std::uint32_t kTimedOneIn = 17;

class StageClock {
 public:
  /// Before a poll, of a queue or a ring. What is done from here on is the next stage's that ends.
  void begin() {
    timed_ = ++polls_ == kTimedOneIn;
    if (!timed_) return;
    polls_ = 0;
    last_ = cycles();
  }
  /// The poll gave so many frames to judge.
  void add_frames(std::uint64_t count) {
    if (timed_) frames_.add(count);
  }
  void end(Stage stage) {
    if (!timed_) return;
    const std::uint64_t now = cycles();
    sums_[static_cast<std::size_t>(stage)].add(now - last_);
    last_ = now;
  }

  /// Of the bursts that were timed.
  [[nodiscard]] std::uint64_t sum(Stage stage) const {
    return sums_[static_cast<std::size_t>(stage)].value();
  }
  [[nodiscard]] std::uint64_t frames() const { return frames_.value(); }

 private:
  bool timed_ = false;
  std::uint32_t polls_ = 0;
  std::uint64_t last_ = 0;
  Counter frames_;
  std::array<Counter, kStageCount> sums_;
};

}  // namespace sluice::stats
