// What tells one flow from another, seen from the side that opened it: addresses, ports, protocol,
// the VLAN pair and the wire, so that overlapping address space in other VLANs is another flow.
//
// Thread safety: plain values; safe on the data path.
#pragma once

#include <array>
#include <bit>
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
};
static_assert(sizeof(Key) == 44, "compared and hashed as octets, so it has no padding");

/// Keyed by a per-boot secret, so that nobody can aim flows at one slot. From values, one by one: a
/// key that was written just now is not yet there to be loaded in larger words.
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash(const Key& key, std::uint64_t secret) {
  const auto word = [](const std::uint8_t* at) {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  };
  // Each factor has a part of the secret that nobody knows to be nought with.
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto part = [secret](int turn, std::uint64_t constant) {
    return std::rotl(secret, turn) ^ constant;
  };
  const std::uint64_t ends = std::uint64_t{key.client_port} | std::uint64_t{key.server_port} << 16 |
                             std::uint64_t{key.outer_vlan} << 32 |
                             std::uint64_t{key.inner_vlan} << 48;
  const std::uint64_t medium =
      std::uint64_t{key.wire} | std::uint64_t{key.protocol} << 16 | std::uint64_t{key.ipv6} << 24;
  std::uint64_t sum =
      mix(word(key.client.data()) ^ part(0, 0x9fb21c651e98df25U),
          word(key.server.data()) ^ part(13, 0xa0761d6478bd642fU)) ^
      mix(ends ^ part(41, 0x589965cc75374cc3U), medium ^ part(53, 0x1d8e4e27c47d124fU));
  if (key.ipv6 != 0) {
    sum ^= mix(word(key.client.data() + 8) ^ part(23, 0xe7037ed1a0b428dbU),
               word(key.server.data() + 8) ^ part(31, 0x8ebc6af09c88c6e3U));
  }
  return mix(sum ^ secret, 0xd6e8feb86659fd93U);
}

}  // namespace sluice::flow
