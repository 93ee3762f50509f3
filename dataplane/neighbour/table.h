// Addresses that stand for another one of the same device: that which the policy names.
//
// Thread safety: immutable once built; stand_in() allocates nothing and is safe on the data path.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/neighbour/sighting.h"

namespace sluice::neighbour {

class Table {
 public:
  /// An address that a device holds, and the one of it that is named.
  struct Alias {
    Place other;
    std::array<std::uint64_t, 2> named{};
    bool named_ipv6 = false;
    friend auto operator<=>(const Alias&, const Alias&) = default;
  };

  Table() = default;
  explicit Table(std::span<const Alias> aliases);

  /// Gives the client the address that is named, where it has one; true then.
  bool stand_in(policy::Client& client) const {
    if (slots_.empty() || !client.has_ip) return false;
    const Place place = Place::of(client);
    for (std::size_t at = hash(place);; ++at) {
      const Alias& slot = slots_[at & (slots_.size() - 1)];
      if (slot.other == Place{}) return false;
      if (slot.other != place) continue;
      client.address = std::bit_cast<std::array<std::uint8_t, 16>>(slot.named);
      client.ipv6 = slot.named_ipv6;
      return true;
    }
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static std::size_t hash(const Place& place) {
    std::uint64_t h = 0x9e3779b97f4a7c15U;
    for (const std::uint64_t word : {place.address[0], place.address[1], place.mac, place.where}) {
      h = (h ^ word) * 0xd6e8feb86659fd93U;
      h ^= h >> 32;
    }
    return h;
  }

  std::vector<Alias> slots_;  // a power of two, at most half of them in use; empty: nobody has any
  std::size_t size_ = 0;
};

inline Table::Table(std::span<const Alias> aliases) : size_(aliases.size()) {
  if (aliases.empty()) return;
  std::size_t slots = 2;
  while (slots < aliases.size() * 2) slots *= 2;
  slots_.resize(slots);
  for (const Alias& one : aliases) {
    std::size_t at = hash(one.other);
    while (slots_[at & (slots - 1)].other != Place{}) ++at;
    slots_[at & (slots - 1)] = one;
  }
}

}  // namespace sluice::neighbour
