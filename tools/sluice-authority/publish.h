// The repository: made once, then changed only by publish(), whose last step is the timestamp, so
// that a client sees the old release or the new one and never a mixture.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// Makes keys, root, delegations to every department of the taxonomy, and an empty first release.
/// Refuses a folder that holds an authority already.
[[nodiscard]] Status create_authority(const Workspace& workspace);

struct PublishReport {
  std::vector<std::string> departments;  // whose new lists were published
  std::uint64_t snapshot = 0;
  std::uint64_t timestamp = 0;
};

/// Publishes what is staged, each document checked against its role's threshold first, and signs
/// snapshot and timestamp anew.
[[nodiscard]] Result<PublishReport> publish(const Workspace& workspace);

}  // namespace sluice::authority
