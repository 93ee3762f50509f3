#include "control/compile/key_sort.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice::compile {
namespace {

constexpr std::size_t kHeadOctets = sizeof(std::uint64_t);
constexpr std::size_t kAhead = 16;  // keys whose octets are fetched before they are read

struct Item {
  std::uint64_t head;
  std::string_view key;
};

/// The octets from `depth` on as a big-endian number, zeros behind the key's end.
std::uint64_t head_at(std::string_view key, std::size_t depth) {
  std::uint64_t head = 0;
  if (depth < key.size()) {
    std::memcpy(&head, key.data() + depth, std::min(kHeadOctets, key.size() - depth));
  }
  return std::endian::native == std::endian::little ? __builtin_bswap64(head) : head;
}

/// By what is behind `depth` octets, which all have in common; empties keys that are there again.
void sort_from(std::span<Item> items, std::size_t depth) {
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i + kAhead < items.size()) __builtin_prefetch(items[i + kAhead].key.data() + depth);
    items[i].head = head_at(items[i].key, depth);
  }
  std::sort(items.begin(), items.end(),
            [](const Item& a, const Item& b) { return a.head < b.head; });
  for (std::size_t from = 0; from < items.size();) {
    std::size_t to = from + 1;
    while (to < items.size() && items[to].head == items[from].head) ++to;
    const std::span<Item> run = items.subspan(from, to - from);
    if (run.size() > 1 && (run.front().head & 0xff) != 0) {
      sort_from(run, depth + kHeadOctets);
    } else {
      // A head that ends in NUL reaches beyond its key: all of the run are the same key.
      for (Item& again : run.subspan(1)) again.key = {};
    }
    from = to;
  }
}

}  // namespace

void sort_unique_keys(std::vector<std::string_view>& keys) {
  std::vector<Item> items;
  items.reserve(keys.size());
  for (const std::string_view key : keys) items.push_back({0, key});
  sort_from(items, 0);
  keys.clear();
  for (const Item& one : items) {
    if (!one.key.empty()) keys.push_back(one.key);
  }
}

}  // namespace sluice::compile
