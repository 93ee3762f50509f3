// Where the client's stream starts, for connections whose SYN was seen and whose first octets have
// not been judged: so that a late first segment, or a first octet alone, is known for what it is. A
// fixed array that newer SYNs overwrite: a flood of them costs nothing else, and a connection whose
// SYN was forgotten is still recognised by its first octets.
//
// Thread safety: one cache belongs to one lcore. Nothing allocates after construction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace sluice::flow {

class SynCache {
 public:
  struct Syn {
    std::uint32_t sequence;  // the SYN's own
    /// Of a SYN before this one with another number: which of them the server took is not known.
    std::optional<std::uint32_t> earlier = std::nullopt;
  };

  SynCache()
      : tags_(std::make_unique<std::uint16_t[]>(kSlots)),
        slots_(std::make_unique_for_overwrite<Slot[]>(kSlots)) {}

  /// Fetches what get() reads of a connection that is not here.
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&tags_[hash % kSlots]); }

  void put(std::uint64_t hash, Syn syn, std::uint64_t now_ms) {
    const auto before = get(hash, now_ms);
    const bool another = before && before->sequence != syn.sequence;
    if (before && !another) syn.earlier = before->earlier;
    if (another) syn.earlier = before->sequence;
    tags_[hash % kSlots] = tag_of(hash);
    slots_[hash % kSlots] = {static_cast<std::uint32_t>(hash >> 32), syn.sequence,
                             static_cast<std::uint32_t>(now_ms / 1000), syn.earlier.value_or(0),
                             syn.earlier.has_value()};
  }
  [[nodiscard]] std::optional<Syn> get(std::uint64_t hash, std::uint64_t now_ms) const {
    if (tags_[hash % kSlots] != tag_of(hash)) return std::nullopt;
    const Slot& slot = slots_[hash % kSlots];
    if (slot.upper_hash != static_cast<std::uint32_t>(hash >> 32)) return std::nullopt;
    if (static_cast<std::uint32_t>(now_ms / 1000) - slot.second > kLifetimeSeconds) {
      return std::nullopt;
    }
    Syn syn{slot.sequence};
    if (slot.has_earlier) syn.earlier = slot.earlier;
    return syn;
  }
  void forget(std::uint64_t hash) {
    if (tags_[hash % kSlots] == tag_of(hash)) tags_[hash % kSlots] = 0;
  }

 private:
  static constexpr std::uint64_t kSlots = 32768;
  static constexpr std::uint32_t kLifetimeSeconds = 75;
  struct Slot {
    std::uint32_t upper_hash;
    std::uint32_t sequence;
    std::uint32_t second;
    std::uint32_t earlier;
    bool has_earlier;
  };

  // Of bits that choose no slot; 0 is an empty one.
  static std::uint16_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint16_t>(hash >> 48 | 1);
  }

  std::unique_ptr<std::uint16_t[]> tags_;  // apart: most look-ups end here
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace sluice::flow
