// What time it is, and whether that is known: the clock of an appliance that was just switched on
// may show any time, until it was synchronised with a time server.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>

#include "config/policy/timetable.h"
#include "config/schema/config.h"

namespace sluice::gateway {

class WallClock {
 public:
  explicit WallClock(schema::TrustClock trust) : known_(trust == schema::TrustClock::always) {}
  /// For tests: it is that moment now, and goes on from there; or it stays unknown.
  explicit WallClock(policy::Moment now);

  /// Once the kernel has said that its clock is synchronised, it stays known: a time server that is
  /// away for a while does not make a clock wrong by more than moments.
  [[nodiscard]] policy::Moment now();

 private:
  bool known_ = false;
  bool ask_kernel_ = true;
  std::int64_t ahead_ = 0;  // seconds, of the system's clock
};

}  // namespace sluice::gateway
