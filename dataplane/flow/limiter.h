// How often one client is answered: so that no flood of blocked requests, real or forged, becomes a
// flood of resets. Clients that share a slot share its allowance.
//
// Thread safety: one limiter belongs to one lcore. Nothing allocates after construction.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

namespace sluice::flow {

class Limiter {
 public:
  static constexpr std::uint32_t kBurst = 1024;     // refusals at once
  static constexpr std::uint32_t kPerSecond = 256;  // and then

  Limiter() : slots_(std::make_unique<Slot[]>(kSlots)) {}

  [[nodiscard]] bool allow(std::uint64_t client_hash, std::uint64_t now_ms) {
    Slot& slot = slots_[client_hash % kSlots];
    const std::uint64_t earned = (now_ms - slot.since_ms) * kPerSecond / 1000;
    if (slot.since_ms == 0 || earned > 0) {
      const std::uint64_t used = slot.since_ms == 0 || earned >= slot.used ? 0 : slot.used - earned;
      slot.used = static_cast<std::uint32_t>(used);
      slot.since_ms = std::max<std::uint64_t>(now_ms, 1);
    }
    if (slot.used >= kBurst) return false;
    ++slot.used;
    return true;
  }

 private:
  static constexpr std::uint64_t kSlots = 4096;
  struct Slot {
    std::uint64_t since_ms = 0;
    std::uint32_t used = 0;
  };
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace sluice::flow
