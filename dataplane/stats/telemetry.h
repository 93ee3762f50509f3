// The counters through DPDK's own telemetry socket: /sluice/stats (sums) and /sluice/lcore,N.
//
// Thread safety: telemetry's thread reads counters, which any thread may.
#pragma once

#include <span>

#include "config/base/result.h"
#include "dataplane/stats/counters.h"

namespace sluice::stats {

/// The counters must outlive unregister_telemetry().
[[nodiscard]] Status register_telemetry(std::span<const Counters* const> lcores);
void unregister_telemetry();

}  // namespace sluice::stats
