#include "control/sync/log_tile.h"

#include "control/tlog/tiles.h"

namespace sluice::sync {

Result<std::optional<std::string>> get_log_tile(Fetcher& fetcher, int level, std::uint64_t index,
                                                std::uint64_t width) {
  const auto get = [&](std::uint64_t wide) {
    return fetcher.get("log/" + tlog::tile_path(level, index, wide),
                       tlog::max_tile_octets(level, wide));
  };
  auto tile = get(width);
  if (!tile || *tile || width == tlog::kTileWidth) return tile;
  auto full = get(tlog::kTileWidth);
  if (full && *full) **full = tlog::tile_prefix(level, **full, width);
  return full;
}

}  // namespace sluice::sync
