// Alone, since each commit compiles it anew.
#include "control/sync/time_floor.h"

namespace sluice::sync {

tuf::Time build_time() { return tuf::Time(std::chrono::seconds(SLUICE_BUILD_TIME)); }

}  // namespace sluice::sync
