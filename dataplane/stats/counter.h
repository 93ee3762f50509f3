// One figure that one thread adds to and others read.
//
// Thread safety: add() by the owner only; value() from any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace sluice::stats {

/// Written by one thread without a locked instruction, read by others without a torn value.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace sluice::stats
