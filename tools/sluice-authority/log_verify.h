// Replays a log from its entries: what it says of itself, and what the repository says beside it.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/tlog/proof.h"
#include "tools/sluice-authority/log_source.h"

namespace sluice::authority {

struct LoggedRelease {
  std::uint64_t index = 0;
  tlog::ReleaseLeaf leaf;
};

struct Replayed {
  tlog::Checkpoint checkpoint;
  std::vector<tlog::Cosigned> witnesses;
  bool quorum = false;
  std::vector<LoggedRelease> releases;
  std::vector<std::string> problems;  // empty: all is as it should be
};

/// Every entry, tile and root, and every snapshot and proof beside them. Fails only where there is
/// nothing to replay; what is wrong is in `problems`.
[[nodiscard]] Result<Replayed> replay_log(LogSource& source, const tlog::LogPolicy& policy);

/// Whether the release that the timestamp leads to is one of these: one problem each.
[[nodiscard]] std::vector<std::string> check_announced(LogSource& source,
                                                       const tlog::LogPolicy& policy,
                                                       const std::vector<LoggedRelease>& releases);

}  // namespace sluice::authority
