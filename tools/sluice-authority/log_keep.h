// The authority's transparency log, in the folder log/ of its repository: tiles, and a checkpoint
// that is written last, so that what it does not count was never logged. The checkpoint is the only
// record of the log's size.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/tlog/policy.h"
#include "control/tlog/proof.h"
#include "control/tlog/tiles.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct LogHead {
  tlog::Note note;  // with the cosignatures that came so far
  tlog::Checkpoint checkpoint;
};

[[nodiscard]] std::filesystem::path log_folder(const Workspace& workspace);

/// Makes keys/log-1.pem and an empty log. An empty origin: one that is the key's own.
[[nodiscard]] Status create_log(const Workspace& workspace, std::string origin);

/// nullopt where the authority keeps no log.
[[nodiscard]] Result<std::optional<LogHead>> read_log(const Workspace& workspace);
/// The release that was logged last; nullopt for an empty log.
[[nodiscard]] Result<std::optional<tlog::ReleaseLeaf>> last_logged(const Workspace& workspace,
                                                                   const LogHead& head);

/// Logs a snapshot, by its version and the SHA-256 of its bytes.
[[nodiscard]] Result<LogHead> append_release(const Workspace& workspace, const LogHead& head,
                                             const tlog::ReleaseLeaf& leaf);

/// The proof of what was logged last, with the head's cosignatures.
[[nodiscard]] Result<std::string> last_proof(const Workspace& workspace, const LogHead& head);

/// That the log of now begins with the log of that size, hash by hash.
[[nodiscard]] Result<std::vector<tlog::Hash>> consistency_proof(const Workspace& workspace,
                                                                const LogHead& head,
                                                                std::uint64_t old_size);

/// "NAME+ID+BASE64" of the log's key.
[[nodiscard]] Result<std::string> log_vkey(const Workspace& workspace, const LogHead& head);

/// Signature lines of witnesses that a policy knows join the checkpoint; returns how many were new.
/// Refuses lines that are of no such witness, or of another checkpoint.
[[nodiscard]] Result<unsigned> add_cosignatures(const Workspace& workspace, LogHead& head,
                                                const std::vector<tlog::LogPolicy>& policies,
                                                const std::vector<std::string>& lines);

}  // namespace sluice::authority
