// Tiles of the log beside a repository (c2sp.org/tlog-tiles), as mirrors have them.
//
// Thread safety: one thread per Fetcher.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/sync/fetcher.h"

namespace sluice::sync {

/// What a tlog::FetchTile is asked for. Of a partial tile that is gone, what the full one begins
/// with. nullopt where the mirror has neither. Not believed: it may be shorter, or anything else.
[[nodiscard]] Result<std::optional<std::string>> get_log_tile(Fetcher& fetcher, int level,
                                                              std::uint64_t index,
                                                              std::uint64_t width);

}  // namespace sluice::sync
