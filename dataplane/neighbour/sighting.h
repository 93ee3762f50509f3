// What an lcore has seen of who holds an address, on its way to the control thread, which makes of
// it whom a frame is from (book.h).
//
// Thread safety: of a ring, one producer and one consumer.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>

#include "config/policy/group_table.h"

namespace sluice::neighbour {

/// A device's address where it is: the same one in another VLAN, or behind another port, is another
/// device's. Four words, which are compared and hashed as such.
struct Place {
  std::array<std::uint64_t, 2> address{};
  std::uint64_t mac = 0;    // in the lower 48 bits
  std::uint64_t where = 0;  // family, port, VLANs

  [[nodiscard]] static Place of(const policy::Client& client) {
    Place out;
    out.address = std::bit_cast<std::array<std::uint64_t, 2>>(client.address);
    for (const std::uint8_t octet : client.mac) out.mac = out.mac << 8 | octet;
    out.where = std::uint64_t{client.ipv6} << 48 | std::uint64_t{client.port} << 32 |
                std::uint64_t{client.outer_vlan} << 16 | client.inner_vlan;
    return out;
  }
  [[nodiscard]] bool ipv6() const { return (where >> 48 & 1) != 0; }
  [[nodiscard]] policy::Client client() const;
  friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Seen : std::uint8_t {
  claim,  // it said so, by ARP or Neighbor Discovery
  probe,  // it asked whether anybody else has it
  use,    // a frame from outside went there: the network looks for the address at it
};

struct Sighting {
  Place place;
  Seen seen = Seen::claim;
};

class SightingRing {
 public:
  static constexpr std::uint32_t kSlots = 2048;

  /// By the producer; false when the ring is full.
  bool push(const Sighting& sighting) {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == kSlots) return false;
    slots_[head % kSlots] = sighting;
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  /// By the consumer; false when the ring is empty.
  bool pop(Sighting& sighting) {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;
    sighting = slots_[tail % kSlots];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }
  /// By the consumer: hands on what is there, and no more than the ring holds, so that a producer
  /// that goes on and on does not keep it.
  template <typename Take>
  void drain(Take&& take) {
    Sighting sighting;
    for (std::uint32_t left = kSlots; left > 0 && pop(sighting); --left) take(sighting);
  }

 private:
  alignas(64) std::atomic<std::uint32_t> head_{0};  // written by the producer
  alignas(64) std::atomic<std::uint32_t> tail_{0};  // written by the consumer
  alignas(64) std::array<Sighting, kSlots> slots_;
};

inline policy::Client Place::client() const {
  policy::Client out;
  out.has_ip = true;
  out.ipv6 = ipv6();
  out.address = std::bit_cast<std::array<std::uint8_t, 16>>(address);
  for (std::size_t i = 0; i < out.mac.size(); ++i) {
    out.mac[i] = static_cast<std::uint8_t>(mac >> (40 - 8 * i));
  }
  out.port = static_cast<std::uint16_t>(where >> 32);
  out.outer_vlan = static_cast<std::uint16_t>(where >> 16);
  out.inner_vlan = static_cast<std::uint16_t>(where);
  return out;
}

}  // namespace sluice::neighbour
