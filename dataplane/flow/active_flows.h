// Connections that were let through under a name, where that may end: by the clock, by a mode that
// a person switches, or because nothing else is let through. What is sent on them is asked about
// again. One lcore's, bounded: where many are open, the least recently used of a set gives way, and
// is as one of which nothing is known.
//
// Thread safety: one lcore. Nothing allocates after construction.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/flow/key.h"

namespace sluice::flow {

/// Under what a connection was let through.
struct Admitted {
  std::uint64_t categories = 0;  // of its name
  std::uint64_t lists = 0;       // curated ones that its name is on
  std::uint64_t order = 0;       // policy::CuratedNames::order(), by which those bits are read
  bool always = false;           // whatever a policy says: a protected name, a site's own allow
};

class ActiveFlows {
 public:
  /// Of connections on which nothing was sent for longer nothing is known: NAT forgets them too.
  static constexpr std::uint64_t kIdleMs = 15 * 60 * 1000;

  ActiveFlows()
      : tags_(std::make_unique<Tags[]>(kSets)),
        entries_(std::make_unique_for_overwrite<Entry[]>(kSets * kWays)) {}

  /// False until the first put(): then nothing else need be asked.
  [[nodiscard]] bool any() const { return any_; }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&tags_[set_of(hash)]); }
  /// One load, for frames that mostly are of none.
  [[nodiscard]] bool may_hold(std::uint64_t hash) const {
    for (const std::uint16_t tag : tags_[set_of(hash)]) {
      if (tag == tag_of(hash)) return true;
    }
    return false;
  }

  /// nullptr where it is none that was put.
  [[nodiscard]] const Admitted* find(const Key& key, std::uint64_t hash, std::uint64_t now_ms) {
    Entry* entry = entry_of(key, hash);
    if (entry == nullptr || entry->touched_ms + kIdleMs < now_ms) return nullptr;
    entry->touched_ms = now_ms;
    return &entry->what;
  }
  void put(const Key& key, std::uint64_t hash, const Admitted& what, std::uint64_t now_ms) {
    any_ = true;
    Tags& tags = tags_[set_of(hash)];
    Entry* const entries = &entries_[set_of(hash) * kWays];
    const Entry* const known = entry_of(key, hash);
    unsigned way = known == nullptr ? 0 : static_cast<unsigned>(known - entries);
    for (unsigned i = 0; i < kWays && known == nullptr; ++i) {
      if (tags[i] == 0) {
        way = i;
        break;
      }
      if (entries[i].touched_ms < entries[way].touched_ms) way = i;
    }
    tags[way] = tag_of(hash);
    entries[way] = {key, what, now_ms};
  }
  /// Another connection takes its place.
  void drop(const Key& key, std::uint64_t hash) {
    if (const Entry* entry = entry_of(key, hash)) {
      tags_[set_of(hash)][static_cast<std::size_t>(entry - &entries_[set_of(hash) * kWays])] = 0;
    }
  }

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kSets = 16384;     // memory that is not used is not there
  using Tags = std::array<std::uint16_t, kWays>;  // 0: free

  struct Entry {
    Key key;
    Admitted what;
    std::uint64_t touched_ms;
  };

  static std::size_t set_of(std::uint64_t hash) { return hash >> 40 & (kSets - 1); }
  static std::uint16_t tag_of(std::uint64_t hash) {
    const auto tag = static_cast<std::uint16_t>(hash);
    return tag == 0 ? 1 : tag;
  }
  [[nodiscard]] Entry* entry_of(const Key& key, std::uint64_t hash) {
    const Tags& tags = tags_[set_of(hash)];
    for (unsigned i = 0; i < kWays; ++i) {
      Entry& entry = entries_[set_of(hash) * kWays + i];
      if (tags[i] == tag_of(hash) && entry.key == key) return &entry;
    }
    return nullptr;
  }

  bool any_ = false;
  std::unique_ptr<Tags[]> tags_;
  std::unique_ptr<Entry[]> entries_;
};

}  // namespace sluice::flow
