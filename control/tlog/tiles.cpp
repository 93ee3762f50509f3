#include "control/tlog/tiles.h"

#include <algorithm>
#include <bit>

namespace sluice::tlog {
namespace {

constexpr unsigned kTileHeight = 8;

/// The greatest power of two below `n`, which is over 1.
std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

/// How many octets the first entry of a bundle has with its length; 0: it is not whole.
std::size_t first_entry(std::string_view bundle) {
  if (bundle.size() < 2) return 0;
  const std::size_t length = static_cast<std::size_t>(static_cast<std::uint8_t>(bundle[0])) << 8U |
                             static_cast<std::uint8_t>(bundle[1]);
  return bundle.size() < 2 + length ? 0 : 2 + length;
}

}  // namespace

std::string tile_path(int level, std::uint64_t index, std::uint64_t width) {
  std::string number;
  for (bool last = true; last || index > 0; last = false, index /= 1000) {
    std::string part = std::to_string(index % 1000);
    part.insert(0, 3 - part.size(), '0');
    number = (last ? "" : "x") + part + (last ? "" : "/") + number;
  }
  std::string path = "tile/" + (level < 0 ? "entries" : std::to_string(level)) + "/" + number;
  if (width < kTileWidth) path += ".p/" + std::to_string(width);
  return path;
}

std::uint64_t tile_width(int level, std::uint64_t index, std::uint64_t size) {
  const unsigned shift = kTileHeight * static_cast<unsigned>(std::max(level, 0));
  const std::uint64_t hashes = shift < 64 ? size >> shift : 0;
  const std::uint64_t before = index * kTileWidth;
  return hashes > before ? std::min(hashes - before, kTileWidth) : 0;
}

std::uint64_t max_tile_octets(int level, std::uint64_t width) {
  return width * (level < 0 ? 2 + kMaxEntryOctets : kHashOctets);
}

std::string bundle_entry(std::string_view entry) {
  std::string out;
  out.push_back(static_cast<char>(entry.size() >> 8U));
  out.push_back(static_cast<char>(entry.size() & 255U));
  return out.append(entry);
}

Result<std::vector<std::string>> parse_bundle(std::string_view bundle, std::uint64_t count,
                                              std::string_view where) {
  std::vector<std::string> entries;
  while (entries.size() < count) {
    const std::size_t octets = first_entry(bundle);
    if (octets == 0) break;
    entries.emplace_back(bundle.substr(2, octets - 2));
    bundle.remove_prefix(octets);
  }
  if (entries.size() == count && bundle.empty()) return entries;
  return fail("is not the " + std::to_string(count) + " entries that it must be",
              std::string(where));
}

std::string tile_prefix(int level, std::string_view tile, std::uint64_t count) {
  if (level >= 0) return std::string(tile.substr(0, count * kHashOctets));
  std::size_t end = 0;
  for (std::uint64_t entry = 0; entry < count; ++entry) {
    const std::size_t octets = first_entry(tile.substr(end));
    if (octets == 0) return std::string(tile);
    end += octets;
  }
  return std::string(tile.substr(0, end));
}

Hash tile_root(std::string_view hashes) {
  const std::uint64_t count = hashes.size() / kHashOctets;
  if (count <= 1) return hash_from(hashes);
  const std::uint64_t left = split(count) * kHashOctets;
  return node_hash(tile_root(hashes.substr(0, left)), tile_root(hashes.substr(left)));
}

Result<std::map<std::string, std::string>> append_tiles(std::uint64_t size, std::string_view entry,
                                                        const FetchTile& fetch) {
  std::map<std::string, std::string> tiles;
  // What the tile holds already, of a level with so many hashes.
  const auto last = [&](int level, std::uint64_t hashes) {
    const std::uint64_t width = hashes % kTileWidth;
    return width == 0 ? Result<std::string>(std::string())
                      : fetch(level, hashes / kTileWidth, width);
  };
  const auto put = [&](int level, std::uint64_t hashes, std::string tile) {
    tiles[tile_path(level, hashes / kTileWidth, hashes % kTileWidth + 1)] = std::move(tile);
  };
  auto bundle = last(kEntries, size);
  if (!bundle) return fail(bundle.error());
  put(kEntries, size, *bundle + bundle_entry(entry));
  Hash hash = leaf_hash(entry);
  std::uint64_t hashes = size;
  for (int level = 0;; ++level) {
    const std::uint64_t width = hashes % kTileWidth;
    auto tile = last(level, hashes);
    if (!tile) return fail(tile.error());
    if (tile->size() != width * kHashOctets) {
      return fail("is no tile of " + std::to_string(width) + " hashes",
                  tile_path(level, hashes / kTileWidth, width), "the log is damaged");
    }
    tile->append(octets_of(hash));
    if (width + 1 == kTileWidth) hash = tile_root(*tile);
    put(level, hashes, std::move(*tile));
    if (width + 1 < kTileWidth) return tiles;
    hashes /= kTileWidth;
  }
}

const std::string* Tree::tile(int level, std::uint64_t index) {
  if (const auto known = tiles_.find({level, index}); known != tiles_.end()) return &known->second;
  const std::uint64_t width = tile_width(level, index, size_);
  auto octets = fetch_(level, index, width);
  if (!octets) {
    error_ = octets.error();
    return nullptr;
  }
  if (octets->size() != width * kHashOctets) {
    error_ = Error{"has " + std::to_string(octets->size()) + " octets where a tile has " +
                       std::to_string(width * kHashOctets),
                   tile_path(level, index, width),
                   {}};
    return nullptr;
  }
  return &tiles_.emplace(std::pair(level, index), std::move(*octets)).first->second;
}

Hash Tree::complete(std::uint64_t begin, unsigned height) {
  const unsigned level = height / kTileHeight;
  const std::uint64_t first = begin >> (kTileHeight * level);
  if (error_) return {};
  const std::string* hashes = tile(static_cast<int>(level), first / kTileWidth);
  if (hashes == nullptr) return {};
  const std::uint64_t count = std::uint64_t{1} << height % kTileHeight;
  return tile_root(
      std::string_view(*hashes).substr(first % kTileWidth * kHashOctets, count * kHashOctets));
}

Hash Tree::range(std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t count = end - begin;
  if (std::has_single_bit(count) && begin % count == 0) {
    return complete(begin, static_cast<unsigned>(std::countr_zero(count)));
  }
  const std::uint64_t middle = begin + split(count);
  const Hash left = range(begin, middle);
  return error_ ? Hash{} : node_hash(left, range(middle, end));
}

template <class T>
Result<T> Tree::result(T value) {
  if (error_) return fail(*std::exchange(error_, std::nullopt));
  return value;
}

Result<Hash> Tree::root() { return size_ == 0 ? empty_root() : result(range(0, size_)); }

Result<std::vector<Hash>> Tree::inclusion(std::uint64_t index) {
  if (index >= size_) return fail("the log has no entry " + std::to_string(index));
  std::vector<Hash> hashes;  // from the root down
  std::uint64_t begin = 0;
  std::uint64_t end = size_;
  while (end - begin > 1 && !error_) {
    const std::uint64_t middle = begin + split(end - begin);
    hashes.push_back(index < middle ? range(middle, end) : range(begin, middle));
    (index < middle ? end : begin) = middle;
  }
  std::reverse(hashes.begin(), hashes.end());
  return result(std::move(hashes));
}

Result<std::vector<Hash>> Tree::consistency(std::uint64_t old_size) {
  std::vector<Hash> hashes;  // from the root down
  if (old_size == 0 || old_size >= size_) return hashes;
  std::uint64_t begin = 0;
  std::uint64_t end = size_;
  bool known = true;  // the old tree's own root needs not be told
  while (end != old_size && !error_) {
    const std::uint64_t middle = begin + split(end - begin);
    if (old_size <= middle) {
      hashes.push_back(range(middle, end));
      end = middle;
    } else {
      hashes.push_back(range(begin, middle));
      begin = middle;
      known = false;
    }
  }
  if (!known && !error_) hashes.push_back(range(begin, end));
  std::reverse(hashes.begin(), hashes.end());
  return result(std::move(hashes));
}

}  // namespace sluice::tlog
