// Lists and deltas that no release names any more leave the repository, and so its mirrors, once no
// appliance can be in the middle of fetching them.
//
// TUF's consistent snapshots let each client finish with the release that it began with. It begins
// with a timestamp, which lasts as long as it was signed for, wherever a mirror still has it; so
// files stay for that long and a day after the release that named them was replaced, and no less
// than their snapshot lasts, nor than seven days. All metadata and the log stay for good.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "config/base/result.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct Retired {
  unsigned files = 0;  // that left the repository now
  std::uint64_t octets = 0;
  unsigned waiting = 0;  // that no release names, and that stay for clients for now
};

/// The least for which files stay after the last release that named them.
[[nodiscard]] std::chrono::hours retire_after(const Workspace& workspace);

/// Moves what has not been named for so long (retire_after() at least) to DIR/retired, where
/// `withdraw` finds it; deltas are removed. Since when nothing has named a file is kept in
/// DIR/retiring.json; without that the time begins anew.
[[nodiscard]] Result<Retired> retire_unused(const Workspace& workspace, std::chrono::hours keep);

/// A payload of the repository, or what was retired of it.
[[nodiscard]] std::filesystem::path kept_payload(const Workspace& workspace,
                                                 const std::string& remote_path);

}  // namespace sluice::authority
