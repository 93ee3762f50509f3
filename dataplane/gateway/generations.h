// Which generation to judge by: the one asked for, or the newest good one in the state folder.
//
// Thread safety: the control thread.
#pragma once

#include <filesystem>
#include <vector>

namespace sluice::gateway {

/// Files to try at the start, best first: `current`, then all others by number, newest first.
[[nodiscard]] std::vector<std::filesystem::path> start_candidates(
    const std::filesystem::path& generations_dir);

}  // namespace sluice::gateway
