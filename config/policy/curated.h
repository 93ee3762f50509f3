// Which curated lists a name is on: by the name itself or one above it, unless a nearer one is
// excepted.
//
// Thread safety: immutable once built; lists_of() allocates nothing and is safe on the data path.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/name/name.h"
#include "config/policy/policy.h"

namespace sluice::policy {

class CuratedNames {
 public:
  CuratedNames() = default;
  /// A bit for each list, in their order; of more than kMaxCuratedLists the first ones.
  explicit CuratedNames(const std::vector<CuratedList>& lists);

  [[nodiscard]] std::uint64_t lists_of(const name::LookupName& name) const;
  /// Of what the bits of lists_of() stand for: another number where they stand for other lists.
  [[nodiscard]] std::uint64_t order() const { return order_; }

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t key_at = 0;     // in keys_
    std::uint8_t key_octets = 0;  // 0: a free slot
    std::uint64_t on = 0;
    std::uint64_t off = 0;
  };
  Entry& slot_of(std::string_view key);

  std::uint64_t order_ = 0;
  std::string keys_;
  std::vector<Entry> slots_;  // a power of two, at most half of them in use; empty: no names
};

/// Why a name is on a list, for a person.
struct CuratedBy {
  std::string list;
  std::string name;       // the nearest of the list's own that covers it
  bool needed = false;    // it stands under `needs`
  bool excepted = false;  // so it is not on the list
};
[[nodiscard]] std::vector<CuratedBy> curated_by(const std::vector<CuratedList>& lists,
                                                std::string_view canonical_name);

}  // namespace sluice::policy
