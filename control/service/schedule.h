// When to ask the authority next. Thousands of appliances must not ask in step, and one whose
// authority is away must neither give up nor hammer it.
//
// Thread safety: one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace sluice::service {

class Schedule {
 public:
  explicit Schedule(std::uint32_t seed) : random_(seed) {}

  /// After a success: the period, 10 % more or less. After the n-th failure in a row: 5 s doubled
  /// n times, 50 % more or less, and never longer than after a success.
  [[nodiscard]] std::chrono::milliseconds next(std::chrono::seconds period, bool succeeded);

 private:
  std::minstd_rand random_;
  unsigned failures_ = 0;
};

}  // namespace sluice::service
