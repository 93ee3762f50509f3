// What tells one flow from another, seen from the side that opened it: addresses, ports, protocol,
// the VLAN pair and the wire, so that overlapping address space in other VLANs is another flow.
//
// Thread safety: plain values; safe on the data path.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace sluice::flow {

struct Key {
  std::array<std::uint8_t, 16> client{};  // IPv4 in the first four octets
  std::array<std::uint8_t, 16> server{};
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  std::uint16_t outer_vlan = 0;
  std::uint16_t inner_vlan = 0;
  std::uint16_t wire = 0;
  std::uint8_t protocol = 0;
  std::uint8_t ipv6 = 0;

  friend bool operator==(const Key& a, const Key& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

  /// The same flow's key as a frame of the other direction makes it.
  [[nodiscard]] Key reversed() const {
    Key out = *this;
    out.client = server;
    out.server = client;
    out.client_port = server_port;
    out.server_port = client_port;
    return out;
  }
};
static_assert(sizeof(Key) == 44, "compared and hashed as octets, so it has no padding");

/// Keyed by a per-boot secret, so that nobody can aim flows at one slot.
[[nodiscard]] inline std::uint64_t hash(const Key& key, std::uint64_t secret) {
  std::array<std::uint64_t, 6> words{};
  std::memcpy(words.data(), &key, sizeof key);
  std::uint64_t state = secret;
  for (const std::uint64_t word : words) {
    const auto product = static_cast<unsigned __int128>(word ^ state) * 0x9fb21c651e98df25U;
    state =
        static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ secret;
  }
  return state * 0xd6e8feb86659fd93U;
}

}  // namespace sluice::flow
