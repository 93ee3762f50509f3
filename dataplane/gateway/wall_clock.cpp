#include "dataplane/gateway/wall_clock.h"

#include <ctime>
#include <sys/timex.h>

namespace sluice::gateway {
namespace {

bool is_synchronised() {
  timex state{};
  return adjtimex(&state) != -1 && (state.status & STA_UNSYNC) == 0;
}

}  // namespace

WallClock::WallClock(policy::Moment now)
    : known_(now.has_value()), ask_kernel_(false), ahead_(now ? *now - std::time(nullptr) : 0) {}

policy::Moment WallClock::now() {
  if (!known_ && ask_kernel_) known_ = is_synchronised();
  if (!known_) return std::nullopt;
  return std::time(nullptr) + ahead_;
}

}  // namespace sluice::gateway
