// The tiles of a log (c2sp.org/tlog-tiles), from which anybody computes roots and proofs.
//
// Thread safety: a Tree belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/base/result.h"
#include "control/tlog/merkle.h"

namespace sluice::tlog {

inline constexpr std::uint64_t kTileWidth = 256;
inline constexpr std::size_t kMaxEntryOctets = 65'535;

/// "tile/0/x001/234.p/12"; `width` 256 is a full tile. `level` < 0: the bundle of entries.
[[nodiscard]] std::string tile_path(int level, std::uint64_t index, std::uint64_t width);
inline constexpr int kEntries = -1;

/// How wide a tile is in a tree of this size; 0: it has no such tile.
[[nodiscard]] std::uint64_t tile_width(int level, std::uint64_t index, std::uint64_t size);

/// Entries with their lengths before them, as in a bundle.
[[nodiscard]] std::string bundle_entry(std::string_view entry);
/// Exactly `count` of them.
[[nodiscard]] Result<std::vector<std::string>> parse_bundle(std::string_view bundle,
                                                            std::uint64_t count,
                                                            std::string_view where);

/// The first `count` hashes of a tile, or entries of a bundle (level kEntries): a partial tile may
/// be gone once the full one is there, which begins with all that it had. What is too short to have
/// so much is given back as it is.
[[nodiscard]] std::string tile_prefix(int level, std::string_view tile, std::uint64_t count);

/// The root of a complete tile, or of what is left of one.
[[nodiscard]] Hash tile_root(std::string_view hashes);

/// The bytes of a tile: exactly `width` hashes, or a bundle of so many entries.
using FetchTile =
    std::function<Result<std::string>(int level, std::uint64_t index, std::uint64_t width)>;
/// How long such a tile may be.
[[nodiscard]] std::uint64_t max_tile_octets(int level, std::uint64_t width);

/// The tiles, by path, that are new when an entry of at most kMaxEntryOctets joins a log of `size`.
/// `fetch` is asked for those that they continue.
[[nodiscard]] Result<std::map<std::string, std::string>> append_tiles(std::uint64_t size,
                                                                      std::string_view entry,
                                                                      const FetchTile& fetch);

class Tree {
 public:
  Tree(std::uint64_t size, FetchTile fetch) : size_(size), fetch_(std::move(fetch)) {}

  // None of them is to be believed before the root is that of a believed checkpoint.
  [[nodiscard]] Result<Hash> root();
  [[nodiscard]] Result<std::vector<Hash>> inclusion(std::uint64_t index);
  [[nodiscard]] Result<std::vector<Hash>> consistency(std::uint64_t old_size);

 private:
  [[nodiscard]] Hash range(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] Hash complete(std::uint64_t begin, unsigned height);
  [[nodiscard]] const std::string* tile(int level, std::uint64_t index);
  template <class T>
  [[nodiscard]] Result<T> result(T value);

  std::uint64_t size_;
  FetchTile fetch_;
  std::map<std::pair<int, std::uint64_t>, std::string> tiles_;
  std::optional<Error> error_;
};

}  // namespace sluice::tlog
