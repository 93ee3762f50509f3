// Who says that it holds an address: ARP (RFC 826, RFC 5227) and Neighbor Discovery (RFC 4861),
// with Duplicate Address Detection (RFC 4862), on Ethernet. Nothing else is read of them.
//
// Thread safety: a free function on the caller's bytes; it neither allocates nor reads past them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sluice::inspect {

/// Tags between the two addresses and the EtherType that are looked through.
inline constexpr std::size_t kMaxNeighbourTags = 4;

struct NeighbourClaim {
  enum class Kind : std::uint8_t {
    none,
    claim,  // the sender has the address
    probe,  // it is about to have it, unless somebody objects
  };
  Kind kind = Kind::none;
  bool ipv6 = false;
  std::array<std::uint8_t, 6> mac{};       // the frame's source, which any in the message equals
  std::array<std::uint8_t, 16> address{};  // IPv4 in the first four octets
  std::uint16_t outer_vlan = 0;            // as of packet::Frame
  std::uint16_t inner_vlan = 0;
};

/// `frame`: a whole Ethernet frame. None where it is another one, or one that no receiver may act
/// on: another hop limit than 255, a wrong checksum, an address that is not one station's, a
/// link-layer address that is not the sender's.
[[nodiscard]] NeighbourClaim read_neighbour(std::span<const std::uint8_t> frame);

}  // namespace sluice::inspect
