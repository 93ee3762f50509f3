// Starts DPDK's environment from the configuration: with huge pages where there are enough, and
// without them otherwise; in memory only, so that nothing is left behind by a killed process.
//
// Thread safety: once, by the main thread.
#pragma once

#include <filesystem>
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
  std::string telemetry_socket;
};

/// DPDK's own runtime files, its telemetry socket among them, go below `run_dir`.
[[nodiscard]] Result<Environment> start(const schema::Dataplane& config,
                                        std::span<const port::Devargs> devices,
                                        const std::filesystem::path& run_dir);

/// Lets go of what EAL holds.
void stop();

}  // namespace sluice::eal
