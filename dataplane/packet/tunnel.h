// How many octets of tunnel header stand before the packet that is carried, and what it is.
//
// RFC 2784, 2890 and 2637 (GRE), ERSPAN types II and III (draft-foschiano-erspan), RFC 7348
// (VXLAN), RFC 8926 (Geneve), 3GPP TS 29.281 5.1 (GTP-U), RFC 2661 3.1 (L2TP), RFC 8086 (GRE in
// UDP). Thread safety: free functions; nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::packet {

struct Gre {
  std::size_t octets = 0;  // 0: not one that can be looked into
  std::uint16_t ethertype = 0;
};
[[nodiscard]] Gre parse_gre(std::span<const std::uint8_t> bytes);

inline constexpr std::uint16_t kVxlanPort = 4789;
inline constexpr std::uint16_t kGenevePort = 6081;
inline constexpr std::uint16_t kGtpPort = 2152;
inline constexpr std::uint16_t kL2tpPort = 1701;
inline constexpr std::uint16_t kGrePort = 4754;

/// Whether the ports are those of a tunnel that parse_udp_tunnel() knows.
[[nodiscard]] constexpr bool may_be_udp_tunnel(std::uint16_t source_port,
                                               std::uint16_t destination_port) {
  return destination_port == kVxlanPort || destination_port == kGenevePort ||
         destination_port == kGrePort || destination_port == kGtpPort || source_port == kGtpPort ||
         destination_port == kL2tpPort || source_port == kL2tpPort;
}

enum class Inner : std::uint8_t { ethernet, ip, ppp, by_ethertype };
struct UdpTunnel {
  std::size_t octets = 0;  // 0: no tunnel by its ports and first octets
  Inner inner = Inner::ip;
  bool gtp = false;  // its header states a length
  std::uint16_t ethertype = 0;
};
[[nodiscard]] UdpTunnel parse_udp_tunnel(std::uint16_t source_port, std::uint16_t destination_port,
                                         std::span<const std::uint8_t> payload);

}  // namespace sluice::packet
