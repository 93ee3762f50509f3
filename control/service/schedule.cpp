#include "control/service/schedule.h"

#include <algorithm>

namespace sluice::service {

std::chrono::milliseconds Schedule::next(std::chrono::seconds period, bool succeeded) {
  constexpr std::chrono::seconds kFirstRetry{5};
  constexpr unsigned kMaxDoublings = 16;
  failures_ = succeeded ? 0 : std::min(failures_ + 1, kMaxDoublings);
  const auto base = succeeded ? period : std::min(period, kFirstRetry * (1U << failures_));
  const double spread = succeeded ? 0.1 : 0.5;
  std::uniform_real_distribution<double> factor(1.0 - spread, 1.0 + spread);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(base).count();
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(milliseconds) * factor(random_)));
}

}  // namespace sluice::service
