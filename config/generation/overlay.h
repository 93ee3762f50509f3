// What an overlay says of the names in which it differs from its base, in memory.
//
// The entries lie packed and in key order, each as LMDB lays out a node: the value's length (4
// octets), flags (2), the key's length (2), the key, the value. So whoever finds an entry of the
// base by its place in memory can find one of the overlay's in the same way; and since such places
// are kept in 32 bits, the entries lie as near to the base as the address space allows.
//
// Thread safety: immutable once filled; look-ups neither allocate nor lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/name/name.h"

namespace sluice::generation {

class Overlay {
 public:
  /// An empty value: the base's entry of this key is no more.
  struct Entry {
    std::string_view key;
    std::string_view value;
  };

  /// Copies `entries`, which ascend strictly by key, to memory near `base`.
  [[nodiscard]] static Result<Overlay> copy(const std::vector<Entry>& entries, const void* base);

  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] Entry operator[](std::size_t index) const;
  /// The first entry whose key is not less; size() where there is none.
  [[nodiscard]] std::size_t lower_bound(std::string_view key) const;
  /// What is said of a key; nullopt where the base's word holds.
  [[nodiscard]] std::optional<Entry> find(std::string_view key) const;
  /// The entry of the longest of a name's suffixes of at most `labels` labels, and how many it has;
  /// 0 where there is none.
  struct Longest {
    unsigned labels = 0;
    std::string_view value;
  };
  [[nodiscard]] Longest longest(const name::LookupName& name, unsigned labels) const;

 private:
  struct Unmap {
    std::size_t octets;
    void operator()(char* memory) const;
  };
  using Memory = std::unique_ptr<char, Unmap>;
  static Memory map_near(const void* base, std::size_t octets);

  Memory memory_;
  std::vector<std::uint32_t> places_;  // of the keys, by key
};

/// How many of a name's rightmost labels a key has in common with it.
[[nodiscard]] unsigned common_labels(const name::LookupName& name, std::string_view key);

}  // namespace sluice::generation
