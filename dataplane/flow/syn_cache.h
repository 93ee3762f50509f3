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

  SynCache() : slots_(std::make_unique<Slot[]>(kSlots)) {}

  void put(std::uint64_t hash, Syn syn, std::uint64_t now_ms) {
    const auto before = get(hash, now_ms);
    const bool another = before && before->sequence != syn.sequence;
    if (before && !another) syn.earlier = before->earlier;
    if (another) syn.earlier = before->sequence;
    slots_[hash % kSlots] = {static_cast<std::uint32_t>(hash >> 32), syn.sequence,
                             static_cast<std::uint32_t>(now_ms / 1000), syn.earlier.value_or(0),
                             kUsed | (syn.earlier ? kEarlier : 0)};
  }
  [[nodiscard]] std::optional<Syn> get(std::uint64_t hash, std::uint64_t now_ms) const {
    const Slot& slot = slots_[hash % kSlots];
    if (slot.flags == 0 || slot.tag != static_cast<std::uint32_t>(hash >> 32)) return std::nullopt;
    if (static_cast<std::uint32_t>(now_ms / 1000) - slot.second > kLifetimeSeconds) {
      return std::nullopt;
    }
    Syn syn{slot.sequence};
    if ((slot.flags & kEarlier) != 0) syn.earlier = slot.earlier;
    return syn;
  }
  void forget(std::uint64_t hash) {
    Slot& slot = slots_[hash % kSlots];
    if (slot.tag == static_cast<std::uint32_t>(hash >> 32)) slot.flags = 0;
  }

 private:
  static constexpr std::uint64_t kSlots = 32768;
  static constexpr std::uint32_t kLifetimeSeconds = 75;
  static constexpr std::uint32_t kUsed = 1;
  static constexpr std::uint32_t kEarlier = 2;
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t sequence = 0;
    std::uint32_t second = 0;
    std::uint32_t earlier = 0;
    std::uint32_t flags = 0;
  };
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace sluice::flow
