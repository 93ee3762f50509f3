// A device as budgets know it: by its MAC address, so that it is one over IPv4 and IPv6, or by its
// address where frames carry a router's.
//
// Thread safety: plain values.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <string>

#include "config/policy/group_table.h"

namespace sluice::budget {

/// Three words, which are written and read as such: kind and VLANs, then the address.
struct Device {
  enum class Kind : std::uint8_t { none, mac, ipv4, ipv6, others };
  std::array<std::uint64_t, 3> words{};

  [[nodiscard]] static Device of(const policy::Client& client, bool by_address);
  /// All that the table of an lcore had no room for.
  [[nodiscard]] static Device others() {
    return {{static_cast<std::uint64_t>(Kind::others), 0, 0}};
  }
  [[nodiscard]] Kind kind() const { return static_cast<Kind>(words[0] & 0xff); }

  friend auto operator<=>(const Device&, const Device&) = default;
};

/// "02:00:5e:10:00:01", "192.0.2.7", "192.0.2.7@20" and "192.0.2.7@20.7" in VLANs, "others".
[[nodiscard]] std::string text(const Device& device);
[[nodiscard]] Result<Device> parse_device(std::string_view text);

/// `secret`: random, for a client chooses its own addresses.
[[nodiscard]] inline std::uint64_t hash(const Device& device, std::uint64_t secret) {
  std::uint64_t h = secret ^ 0x9e3779b97f4a7c15U;
  for (const std::uint64_t word : device.words) {
    h = (h ^ word) * 0xd6e8feb86659fd93U;
    h ^= h >> 32;
  }
  return h * 0xd6e8feb86659fd93U;
}

inline Device Device::of(const policy::Client& client, bool by_address) {
  std::array<std::uint64_t, 2> address{};
  Kind kind = Kind::mac;
  if (by_address && client.has_ip) {
    kind = client.ipv6 ? Kind::ipv6 : Kind::ipv4;
    address = std::bit_cast<std::array<std::uint64_t, 2>>(client.address);
  } else {
    for (const std::uint8_t octet : client.mac) address[0] = address[0] << 8 | octet;
  }
  // Address space may overlap in different VLANs; a MAC address is one device's.
  const std::uint64_t vlans =
      kind == Kind::mac ? 0 : std::uint64_t{client.outer_vlan} << 16 | client.inner_vlan;
  return {{static_cast<std::uint64_t>(kind) | vlans << 8, address[0], address[1]}};
}

}  // namespace sluice::budget
