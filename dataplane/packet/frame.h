// A bounds-checked view of an Ethernet frame down to the transport payload: VLAN tags (802.1Q,
// 802.1ad), IPv4 with options, IPv6 with extension headers, UDP, TCP. Lengths come from the
// innermost header that states one, so that Ethernet padding is never payload.
//
// RFC 791, RFC 8200 section 4, RFC 768, RFC 9293 section 3.1. Thread safety: plain values over the
// caller's bytes; nothing allocates, nothing reads past the frame.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sluice::packet {

inline constexpr std::size_t kEthernetOctets = 14;
inline constexpr std::size_t kVlanTagOctets = 4;
inline constexpr unsigned kMaxVlanTags = 4;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;

/// Where parsing ended. Everything but udp and tcp is passed on untouched.
enum class FrameKind : std::uint8_t {
  udp,
  tcp,
  not_ip,               // ARP, unknown ethertypes
  other_protocol,       // ICMP, ESP, tunnels
  fragment,             // a fragment that is not the whole datagram
  truncated,            // the frame is shorter than its headers say
  malformed_ip,         // impossible version or header length
  malformed_transport,  // UDP or TCP lengths that contradict IP's
  too_many_headers,     // more VLAN tags or extension headers than the bounds
};

struct Frame {
  FrameKind kind = FrameKind::not_ip;
  bool ipv6 = false;
  std::uint8_t vlan_count = 0;
  std::uint16_t outer_vlan = 0;  // VLAN identifiers; 0 for absent
  std::uint16_t inner_vlan = 0;
  std::uint16_t network_offset = 0;    // of the IP header
  std::uint16_t transport_offset = 0;  // of the UDP or TCP header
  std::uint16_t payload_offset = 0;
  std::uint16_t payload_length = 0;
};

/// TCP header fields; valid where kind is tcp.
struct TcpFields {
  std::uint16_t source_port;
  std::uint16_t destination_port;
  std::uint32_t sequence;
  std::uint32_t acknowledgement;
  std::uint8_t flags;
};

inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpAck = 0x10;

[[nodiscard]] Frame parse_frame(std::span<const std::uint8_t> bytes);

[[nodiscard]] TcpFields tcp_fields(std::span<const std::uint8_t> bytes, const Frame& frame);

/// The source address, IPv4 in the first four octets.
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
