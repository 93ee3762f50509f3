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
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/tunnel.h"

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
  friend bool operator==(const Layer&, const Layer&) = default;
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
  [[nodiscard]] bool operator==(const Frame& other) const;
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

/// Of any frame, into one that is new.
void parse_any_frame(std::span<const std::uint8_t> bytes, Frame& frame);

/// What nearly every frame is: Ethernet with one VLAN tag or none, IPv4 without options or IPv6
/// without extension headers, and UDP or TCP, unfragmented and whole. False for any other;
/// `frame`, which must be new, is then as it was.
[[nodiscard, gnu::always_inline]] inline bool parse_plain_frame(std::span<const std::uint8_t> bytes,
                                                                Frame& frame) {
  constexpr std::size_t kLeast = kEthernetOctets + kVlanTagOctets + 20 + 8;
  if (bytes.size() < kLeast || bytes.size() > UINT16_MAX) return false;
  const std::uint8_t* const at = bytes.data();
  std::size_t network = kEthernetOctets;
  std::uint16_t ethertype = load16(at + 12);
  std::uint16_t vlan = 0;
  const bool tagged = ethertype == 0x8100;
  if (tagged) {
    vlan = load16(at + 14) & 0x0fff;
    ethertype = load16(at + 16);
    network += kVlanTagOctets;
  }
  const std::uint8_t* const ip = at + network;
  std::size_t transport = network;
  std::size_t end = network;
  std::uint8_t protocol = 0;
  const bool ipv6 = ethertype == 0x86dd;
  if (ethertype == 0x0800) {
    if (ip[0] != 0x45 || (load16(ip + 6) & 0x3fff) != 0) return false;
    transport += 20;
    end += load16(ip + 2);
    protocol = ip[9];
  } else if (ipv6) {
    if (bytes.size() - network < 40 || ip[0] >> 4 != 6) return false;
    transport += 40;
    end = transport + load16(ip + 4);
    protocol = ip[6];
  } else {
    return false;
  }
  if (end > bytes.size() || end < transport + 8) return false;
  std::size_t payload = transport + 8;
  if (protocol == kProtocolUdp) {
    const std::size_t length = load16(at + transport + 4);
    if (length < 8 || length > end - transport ||
        may_be_udp_tunnel(load16(at + transport), load16(at + transport + 2))) {
      return false;
    }
    end = transport + length;
    frame.kind = FrameKind::udp;
  } else if (protocol == kProtocolTcp) {
    if (end - transport < 20) return false;
    const std::size_t header = (at[transport + 12] >> 4) * 4U;
    if (header < 20 || header > end - transport) return false;
    payload = transport + header;
    frame.kind = FrameKind::tcp;
  } else {
    return false;
  }
  frame.ipv6 = ipv6;
  frame.protocol = protocol;
  frame.vlan_count = tagged ? 1 : 0;
  frame.outer_vlan = vlan;
  frame.layer_count = 1;
  frame.layers[0] = {LayerKind::ethernet, 0};
  frame.network_offset = static_cast<std::uint16_t>(network);
  frame.transport_offset = static_cast<std::uint16_t>(transport);
  frame.payload_offset = static_cast<std::uint16_t>(payload);
  frame.payload_length = static_cast<std::uint16_t>(end - payload);
  return true;
}

/// Into a frame of any content. In its place: a copy of it would wait for its parts to be written.
[[gnu::always_inline]] inline void parse_frame(std::span<const std::uint8_t> bytes, Frame& frame) {
  std::construct_at(&frame);
  if (!parse_plain_frame(bytes, frame)) parse_any_frame(bytes, frame);
}
[[nodiscard]] inline Frame parse_frame(std::span<const std::uint8_t> bytes) {
  Frame frame;
  parse_frame(bytes, frame);
  return frame;
}

[[nodiscard]] inline TcpFields tcp_fields(std::span<const std::uint8_t> bytes, const Frame& frame) {
  const std::uint8_t* const tcp = bytes.data() + frame.transport_offset;
  return {load16(tcp), load16(tcp + 2), load32(tcp + 4), load32(tcp + 8), tcp[13]};
}
[[nodiscard]] TcpOptions tcp_options(std::span<const std::uint8_t> bytes, const Frame& frame);

using Address = std::array<std::uint8_t, 16>;

/// An address, IPv4 in the first four octets.
[[nodiscard]] inline Address load_address(const std::uint8_t* at, bool ipv6) {
  // Two whole words: what is then read as words or as a block need not wait for smaller stores.
  std::array<std::uint64_t, 2> words{};
  if (ipv6) {
    std::memcpy(words.data(), at, sizeof words);
  } else {
    std::uint32_t word;
    std::memcpy(&word, at, sizeof word);
    words[0] = word;
  }
  return std::bit_cast<Address>(words);
}
[[nodiscard]] inline Address source_address(std::span<const std::uint8_t> bytes,
                                            const Frame& frame) {
  return load_address(bytes.data() + frame.network_offset + (frame.ipv6 ? 8U : 12U), frame.ipv6);
}
[[nodiscard]] inline Address destination_address(std::span<const std::uint8_t> bytes,
                                                 const Frame& frame) {
  return load_address(bytes.data() + frame.network_offset + (frame.ipv6 ? 24U : 16U), frame.ipv6);
}

/// Whether the datagram goes to more than one receiver (RFC 1122 3.2.1.3, RFC 4291 2.7), so that no
/// answer in a receiver's name is right. The MAC address does not count: load balancers send
/// unicast datagrams to multicast MAC addresses.
[[nodiscard]] inline bool is_group_addressed(std::span<const std::uint8_t> bytes,
                                             const Frame& frame) {
  const std::uint8_t first = bytes[frame.network_offset + (frame.ipv6 ? 24U : 16U)];
  return frame.ipv6 ? first == 0xff : first >= 224;  // multicast, reserved, limited broadcast
}

/// Whether the datagram comes from an address that is one station's: neither unspecified nor a
/// group's (RFC 1122 3.2.1.3, RFC 4291 2.5.2 and 2.7). What is sent to any other reaches nobody, or
/// everybody.
[[nodiscard]] inline bool has_single_source(std::span<const std::uint8_t> bytes,
                                            const Frame& frame) {
  if (!frame.ipv6) {
    const std::uint32_t address = load32(bytes.data() + frame.network_offset + 12U);
    return address != 0 && address < 0xe0000000;
  }
  const Address address = source_address(bytes, frame);
  return address[0] != 0xff && address != Address{};
}

}  // namespace sluice::packet
