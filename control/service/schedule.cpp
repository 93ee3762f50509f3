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
  const auto pause = std::chrono::duration<double>(base) * factor(random_);
  const auto longest = std::chrono::duration<double>(period) * 1.1;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::min(pause, longest));
}

}  // namespace sluice::service
