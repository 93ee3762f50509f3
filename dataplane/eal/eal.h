// Starts DPDK's environment from the configuration: with huge pages where there are enough, and
// without them otherwise; in memory only, so that nothing is left behind by a killed process.
//
// Thread safety: once, by the main thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "dataplane/port/device_spec.h"

namespace sluice::eal {

struct Environment {
  std::vector<unsigned> worker_lcores;  // one a worker
  bool huge_pages = false;
};

/// `memory_mib`: what buffers and rings need.
[[nodiscard]] Result<Environment> start(const schema::Dataplane& config,
                                        std::span<const port::Devargs> devices,
                                        std::uint32_t memory_mib);

/// Lets go of what EAL holds.
void stop();

}  // namespace sluice::eal
