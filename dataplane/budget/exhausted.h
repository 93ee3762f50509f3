// The devices whose time for something is used up.
//
// Thread safety: immutable once built; of() allocates nothing and is safe on the data path.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "dataplane/budget/device.h"

namespace sluice::budget {

class Exhausted {
 public:
  using Devices = std::vector<std::pair<Device, std::uint32_t>>;

  /// Each device once, with a bit for each of its budgets that are used up.
  Exhausted(const Devices& devices, std::uint64_t secret) : secret_(secret) {
    if (devices.empty()) return;
    slots_.resize(std::bit_ceil(devices.size() * 2 + 1));
    for (const auto& [device, budgets] : devices) {
      std::size_t at = hash(device, secret_);
      while (slots_[at & (slots_.size() - 1)].second != 0) ++at;
      slots_[at & (slots_.size() - 1)] = {device, budgets};
    }
  }

  [[nodiscard]] std::uint32_t of(const Device& device) const {
    if (slots_.empty()) return 0;
    for (std::size_t at = hash(device, secret_);; ++at) {
      const auto& slot = slots_[at & (slots_.size() - 1)];
      if (slot.second == 0 || slot.first == device) return slot.second;
    }
  }

 private:
  std::uint64_t secret_;
  std::vector<std::pair<Device, std::uint32_t>> slots_;  // a power of two, half in use at most
};

}  // namespace sluice::budget
