// Asks witnesses to cosign the log's newest checkpoint, by add-checkpoint of c2sp.org/tlog-witness.
// A witness is told the proof that its last tree is the beginning of this one, and answers with its
// cosignature; what it says is believed by its signature alone, so that plain HTTP serves as well.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/log_keep.h"

namespace sluice::authority {

/// Asks those witnesses that have a URL in the policies, one after the other, until all policies
/// have their quorum. Cosignatures join the checkpoint as they come. Returns why who did not
/// cosign.
[[nodiscard]] Result<std::vector<std::string>> ask_witnesses(
    const Workspace& workspace, LogHead& head, const std::vector<tlog::LogPolicy>& policies);

}  // namespace sluice::authority
