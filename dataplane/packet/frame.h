// A bounds-checked view of an Ethernet frame down to the transport payload, through what lies
// between: VLAN tags (802.1Q, 802.1ad), MPLS, PPPoE sessions, IPv4 with options, IPv6 with
// extension headers, and the tunnels GRE, IP-in-IP, 6in4, VXLAN, Geneve, GTP-U and L2TP. Lengths
// come from the innermost header that states one, so that Ethernet padding is never payload.
//
// RFC 791, RFC 8200 section 4, RFC 768, RFC 9293 section 3.1; RFC 3032 (MPLS), RFC 2516 (PPPoE),
// RFC 2784, 2890 and 2637 (GRE), RFC 2003 and 4213 (IP in IP), RFC 7348 (VXLAN), RFC 8926 (Geneve),
// 3GPP TS 29.281 (GTP-U), RFC 2661 (L2TP). Thread safety: plain values over the caller's bytes;
// nothing allocates, nothing reads past the frame.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sluice::packet {

inline constexpr std::size_t kEthernetOctets = 14;
inline constexpr std::size_t kVlanTagOctets = 4;
inline constexpr unsigned kMaxVlanTags = 4;
/// Headers around the innermost IP header; frames with more pass as too_many_headers.
inline constexpr unsigned kMaxLayers = 10;
/// Octets before the innermost IP header; likewise.
inline constexpr std::size_t kMaxLinkOctets = 256;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;

/// Where parsing ended. Everything but udp, tcp and fragment is passed on untouched.
enum class FrameKind : std::uint8_t {
  udp,
  tcp,
  not_ip,               // ARP, unknown ethertypes, PPP control protocols
  other_protocol,       // ICMP, ESP, unknown tunnels
  fragment,             // a fragment that is not the whole datagram
  truncated,            // the frame is shorter than its headers
  malformed_ip,         // impossible version or header length
  malformed_transport,  // UDP or TCP lengths that contradict IP's
  too_many_headers,     // more tags, tunnels or extension headers than the bounds
};

/// A header that a reply through the same encapsulation has to change, other than the innermost IP.
enum class LayerKind : std::uint8_t { ethernet, pppoe, gre, ipv4, ipv6, udp, gtp };
struct Layer {
  LayerKind kind;
  std::uint16_t offset;
};

struct Frame {
  FrameKind kind = FrameKind::not_ip;
  bool ipv6 = false;
  bool cut = false;           // the frame ends before its IP length does: a capture's snap length
  std::uint8_t protocol = 0;  // IP protocol number of what the innermost IP header carries
  std::uint8_t vlan_count = 0;
  std::uint8_t layer_count = 0;
  std::uint16_t outer_vlan = 0;  // VLAN identifiers of the outermost Ethernet header; 0 for absent
  std::uint16_t inner_vlan = 0;
  std::uint16_t link_offset = 0;       // of the innermost Ethernet header
  std::uint16_t network_offset = 0;    // of the innermost IP header
  std::uint16_t transport_offset = 0;  // of the UDP or TCP header
  std::uint16_t payload_offset = 0;    // of a fragment: its data
  std::uint16_t payload_length = 0;
  std::array<Layer, kMaxLayers> layers;  // layer_count of them, from the outside in

  // Where kind is fragment:
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // octets
  std::uint16_t next_header_at = 0;   // IPv6: of the field that names the Fragment header
  std::uint32_t identification = 0;

  [[nodiscard]] bool tunnelled() const { return layer_count > 1; }
};

/// TCP header fields; valid where kind is tcp.
struct TcpFields {
  std::uint16_t source_port;
  std::uint16_t destination_port;
  std::uint32_t sequence;
  std::uint32_t acknowledgement;
  std::uint8_t flags;
};

struct TcpOptions {
  bool has_timestamps = false;
  std::uint32_t timestamp = 0;  // TSval
  std::uint32_t echoed = 0;     // TSecr
};

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;
inline constexpr std::uint8_t kTcpUrg = 0x20;

[[nodiscard]] Frame parse_frame(std::span<const std::uint8_t> bytes);

[[nodiscard]] TcpFields tcp_fields(std::span<const std::uint8_t> bytes, const Frame& frame);
[[nodiscard]] TcpOptions tcp_options(std::span<const std::uint8_t> bytes, const Frame& frame);

/// The addresses, IPv4 in the first four octets.
[[nodiscard]] std::array<std::uint8_t, 16> destination_address(std::span<const std::uint8_t> bytes,
                                                               const Frame& frame);
[[nodiscard]] std::array<std::uint8_t, 16> source_address(std::span<const std::uint8_t> bytes,
                                                          const Frame& frame);

/// Whether the datagram goes to more than one receiver (RFC 1122 3.2.1.3, RFC 4291 2.7), so that no
/// answer in a receiver's name is right. The MAC address does not count: load balancers send
/// unicast datagrams to multicast MAC addresses.
[[nodiscard]] bool is_group_addressed(std::span<const std::uint8_t> bytes, const Frame& frame);

/// Whether the datagram comes from an address that is one station's: neither unspecified nor a
/// group's (RFC 1122 3.2.1.3, RFC 4291 2.5.2 and 2.7). What is sent to any other reaches nobody, or
/// everybody.
[[nodiscard]] bool has_single_source(std::span<const std::uint8_t> bytes, const Frame& frame);

}  // namespace sluice::packet
