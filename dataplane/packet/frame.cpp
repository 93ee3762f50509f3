#include "dataplane/packet/frame.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::packet {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;
constexpr std::size_t kIpv4MinOctets = 20;
constexpr std::size_t kIpv6Octets = 40;
constexpr std::size_t kUdpOctets = 8;
constexpr std::size_t kTcpMinOctets = 20;
constexpr unsigned kMaxExtensionHeaders = 8;

// 802.1Q, 802.1ad, and the pre-standard QinQ types still seen in access networks.
bool is_vlan(std::uint16_t ethertype) {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100 || ethertype == 0x9200;
}

// Sets the payload behind a UDP or TCP header in [transport_offset, end).
FrameKind parse_transport(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t end,
                          std::uint8_t protocol, Frame& frame) {
  frame.transport_offset = static_cast<std::uint16_t>(at);
  if (protocol == kProtocolUdp) {
    if (end - at < kUdpOctets) return FrameKind::malformed_transport;
    const std::size_t length = load16(&bytes[at + 4]);
    if (length < kUdpOctets || length > end - at) return FrameKind::malformed_transport;
    frame.payload_offset = static_cast<std::uint16_t>(at + kUdpOctets);
    frame.payload_length = static_cast<std::uint16_t>(length - kUdpOctets);
    return FrameKind::udp;
  }
  if (protocol == kProtocolTcp) {
    if (end - at < kTcpMinOctets) return FrameKind::malformed_transport;
    const std::size_t header = (bytes[at + 12] >> 4) * 4U;
    if (header < kTcpMinOctets || header > end - at) return FrameKind::malformed_transport;
    frame.payload_offset = static_cast<std::uint16_t>(at + header);
    frame.payload_length = static_cast<std::uint16_t>(end - at - header);
    return FrameKind::tcp;
  }
  return FrameKind::other_protocol;
}

FrameKind parse_ipv4(std::span<const std::uint8_t> bytes, std::size_t at, Frame& frame) {
  if (bytes.size() - at < kIpv4MinOctets) return FrameKind::truncated;
  const std::uint8_t* ip = &bytes[at];
  const std::size_t header = (ip[0] & 15) * 4U;
  const std::size_t total = load16(ip + 2);
  if (ip[0] >> 4 != 4 || header < kIpv4MinOctets || total < header) return FrameKind::malformed_ip;
  if (total > bytes.size() - at) return FrameKind::truncated;
  if ((load16(ip + 6) & 0x3fff) != 0) return FrameKind::fragment;  // MF or an offset
  return parse_transport(bytes, at + header, at + total, ip[9], frame);
}

FrameKind parse_ipv6(std::span<const std::uint8_t> bytes, std::size_t at, Frame& frame) {
  if (bytes.size() - at < kIpv6Octets) return FrameKind::truncated;
  if (bytes[at] >> 4 != 6) return FrameKind::malformed_ip;
  const std::size_t end = at + kIpv6Octets + load16(&bytes[at + 4]);
  if (end > bytes.size()) return FrameKind::truncated;
  std::uint8_t next = bytes[at + 6];
  std::size_t offset = at + kIpv6Octets;
  for (unsigned headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
    const bool has_length = next == 0 || next == 43 || next == 60;  // hop-by-hop, routing, options
    if (!has_length && next != 44) return parse_transport(bytes, offset, end, next, frame);
    if (end - offset < 8) return FrameKind::malformed_ip;
    // An atomic fragment is the whole datagram (RFC 6946).
    if (next == 44 && (load16(&bytes[offset + 2]) & 0xfff9) != 0) return FrameKind::fragment;
    const std::size_t length = has_length ? (bytes[offset + 1] + 1U) * 8U : 8U;
    if (length > end - offset) return FrameKind::malformed_ip;
    next = bytes[offset];
    offset += length;
  }
  return FrameKind::too_many_headers;
}

}  // namespace

Frame parse_frame(std::span<const std::uint8_t> bytes) {
  Frame frame;
  if (bytes.size() < kEthernetOctets) {
    frame.kind = FrameKind::truncated;
    return frame;
  }
  // Offsets are 16 bits wide; a larger frame carries nothing that is judged beyond them.
  bytes = bytes.first(std::min<std::size_t>(bytes.size(), UINT16_MAX));
  std::size_t at = 12;
  std::uint16_t ethertype = load16(&bytes[at]);
  while (is_vlan(ethertype)) {
    if (frame.vlan_count == kMaxVlanTags) {
      frame.kind = FrameKind::too_many_headers;
      return frame;
    }
    if (bytes.size() - at < 2 + kVlanTagOctets) {
      frame.kind = FrameKind::truncated;
      return frame;
    }
    const auto id = static_cast<std::uint16_t>(load16(&bytes[at + 2]) & 0x0fff);
    if (frame.vlan_count == 0) frame.outer_vlan = id;
    if (frame.vlan_count == 1) frame.inner_vlan = id;
    ++frame.vlan_count;
    at += kVlanTagOctets;
    ethertype = load16(&bytes[at]);
  }
  at += 2;
  frame.network_offset = static_cast<std::uint16_t>(at);
  if (ethertype == kEtherIpv4) {
    frame.kind = parse_ipv4(bytes, at, frame);
  } else if (ethertype == kEtherIpv6) {
    frame.ipv6 = true;
    frame.kind = parse_ipv6(bytes, at, frame);
  }
  return frame;
}

TcpFields tcp_fields(std::span<const std::uint8_t> bytes, const Frame& frame) {
  const std::uint8_t* tcp = &bytes[frame.transport_offset];
  return {load16(tcp), load16(tcp + 2), load32(tcp + 4), load32(tcp + 8), tcp[13]};
}

std::array<std::uint8_t, 16> source_address(std::span<const std::uint8_t> bytes,
                                            const Frame& frame) {
  std::array<std::uint8_t, 16> address{};
  const std::size_t at = frame.network_offset + (frame.ipv6 ? 8U : 12U);
  std::memcpy(address.data(), &bytes[at], frame.ipv6 ? 16 : 4);
  return address;
}

bool is_group_addressed(std::span<const std::uint8_t> bytes, const Frame& frame) {
  const std::uint8_t* destination = &bytes[frame.network_offset + (frame.ipv6 ? 24U : 16U)];
  if (frame.ipv6) return destination[0] == 0xff;
  return destination[0] >= 224;  // multicast, reserved, and limited broadcast
}

bool has_single_source(std::span<const std::uint8_t> bytes, const Frame& frame) {
  const auto address = source_address(bytes, frame);
  const bool group = frame.ipv6 ? address[0] == 0xff : address[0] >= 224;
  return !group && address != decltype(address){};
}

}  // namespace sluice::packet
