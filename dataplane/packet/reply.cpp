#include "dataplane/packet/reply.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"

namespace sluice::packet {
namespace {

template <std::size_t kOctets>
void swap_octets(std::uint8_t* one, std::uint8_t* other) {
  std::array<std::uint8_t, kOctets> first;
  std::array<std::uint8_t, kOctets> second;
  std::memcpy(first.data(), one, kOctets);
  std::memcpy(second.data(), other, kOctets);
  std::memcpy(one, second.data(), kOctets);
  std::memcpy(other, first.data(), kOctets);
}

// The layer's part of the way back: who sends and who receives.
void turn_layer(const Layer& layer, std::uint8_t* at) {
  switch (layer.kind) {
    case LayerKind::ethernet:
      return swap_octets<6>(at, at + 6);
    case LayerKind::ipv4:
      return swap_octets<4>(at + 12, at + 16);
    case LayerKind::ipv6:
      return swap_octets<16>(at + 8, at + 24);
    case LayerKind::udp:
      // The other tunnels are received at one port, and vary the source port for entropy only.
      if (load16(at) == kL2tpPort || load16(at + 2) == kL2tpPort) swap_octets<2>(at, at + 2);
      return;
    case LayerKind::pppoe:
    case LayerKind::gre:
    case LayerKind::gtp:
      return;
  }
}

void finish_udp_layer(std::uint8_t* at, std::size_t octets, const Layer& ip, std::uint8_t* frame) {
  store16(at + 4, static_cast<std::uint16_t>(octets));
  store16(at + 6, 0);
  if (ip.kind != LayerKind::ipv6) return;  // over IPv4, 0 is "none" (RFC 768)
  const std::uint16_t sum =
      transport_checksum({frame + ip.offset + 8, 32}, kProtocolUdp, {at, octets});
  store16(at + 6, sum == 0 ? 0xffff : sum);
}

// Lengths and checksums of one layer, whose inner layers are finished; `octets` from its start to
// the end of the frame.
void finish_layer(const Layer& layer, const Layer& around, std::uint8_t* frame,
                  std::size_t octets) {
  std::uint8_t* at = frame + layer.offset;
  switch (layer.kind) {
    case LayerKind::ethernet:
      return;
    case LayerKind::pppoe:
      return store16(at + 4, static_cast<std::uint16_t>(octets - 6));
    case LayerKind::gtp:
      return store16(at + 2, static_cast<std::uint16_t>(octets - 8));
    case LayerKind::ipv6:
      return store16(at + 4, static_cast<std::uint16_t>(octets - 40));
    case LayerKind::ipv4: {
      const std::size_t header = (at[0] & 15) * 4U;
      store16(at + 2, static_cast<std::uint16_t>(octets));
      store16(at + 6, load16(at + 6) & 0x4000U);  // a made packet is no fragment
      store16(at + 10, 0);
      return store16(at + 10, checksum_fold(checksum_add(0, {at, header})));
    }
    case LayerKind::udp:
      return finish_udp_layer(at, octets, around, frame);
    case LayerKind::gre:
      if ((at[0] & 0x80) == 0) return;
      store16(at + 4, 0);
      return store16(at + 4, checksum_fold(checksum_add(0, {at, octets})));
  }
}

}  // namespace

void finish_tunnel_layers(const Frame& parsed, std::uint8_t* frame, std::size_t total) {
  for (unsigned i = parsed.layer_count; i > 0; --i) {
    const Layer& layer = parsed.layers[i - 1];
    const Layer& around = parsed.layers[i > 1 ? i - 2 : 0];
    finish_layer(layer, around, frame, total - layer.offset);
  }
}

namespace {

template <std::size_t kOctets>
void copy_addresses(const std::uint8_t* from, bool swap, std::uint8_t* to) {
  std::array<std::uint8_t, kOctets> source;
  std::array<std::uint8_t, kOctets> destination;
  std::memcpy(source.data(), from, kOctets);
  std::memcpy(destination.data(), from + kOctets, kOctets);
  std::memcpy(to + (swap ? kOctets : 0), source.data(), kOctets);
  std::memcpy(to + (swap ? 0 : kOctets), destination.data(), kOctets);
}

void write_front(std::span<const std::uint8_t> original, const Frame& frame, Way way,
                 std::uint8_t protocol, std::uint8_t* out, ReplyHeaders& headers) {
  const bool swap = way == Way::back;
  const std::size_t link = frame.network_offset;
  // What comes before the IP header stays where it is; the addresses are read before anything is
  // written.
  if (out != original.data()) std::memcpy(out, original.data(), link);
  const std::uint8_t* const from = &original[link + (frame.ipv6 ? 8U : 12U)];
  std::uint8_t* const ip = out + link;
  const std::size_t octets = frame.ipv6 ? 40 : 20;
  if (frame.ipv6) {
    copy_addresses<16>(from, swap, ip + 8);
    std::memset(ip, 0, 8);
    ip[0] = 0x60;
    ip[6] = protocol;
    ip[7] = kHopLimit;
  } else {
    copy_addresses<4>(from, swap, ip + 12);
    store32(ip, 0x45000000);
    store32(ip + 4, kDontFragment);  // so that the identification is free (RFC 6864)
    store32(ip + 8, std::uint32_t{kHopLimit} << 24 | std::uint32_t{protocol} << 16);
  }
  for (unsigned i = 0; i < frame.layer_count; ++i) {
    const Layer& layer = frame.layers[i];
    if (swap) turn_layer(layer, out + layer.offset);
    // A server may be reached by a group address, but a frame from one is invalid and is not
    // carried (IEEE 802.3 3.2.3).
    if (layer.kind == LayerKind::ethernet) out[layer.offset + 6U] &= 0xfe;
  }
  headers.network_offset = static_cast<std::uint16_t>(link);
  headers.transport_offset = static_cast<std::uint16_t>(link + octets);
  headers.ipv6 = frame.ipv6;
}

}  // namespace

ReplyHeaders write_headers(std::span<const std::uint8_t> original, const Frame& frame, Way way,
                           std::uint8_t protocol, std::uint8_t* out) {
  ReplyHeaders headers;
  write_front(original, frame, way, protocol, out, headers);
  return headers;
}

std::size_t write_udp_headers(std::span<const std::uint8_t> original, const Frame& frame, Way way,
                              std::size_t payload_octets, Sum payload_sum, std::uint8_t* out) {
  constexpr std::size_t kUdpOctets = 8;
  const std::uint8_t* const ports = &original[frame.transport_offset];
  const std::uint16_t source = load16(ports + (way == Way::back ? 2 : 0));
  const std::uint16_t destination = load16(ports + (way == Way::back ? 0 : 2));
  ReplyHeaders headers;
  write_front(original, frame, way, kProtocolUdp, out, headers);
  std::uint8_t* const ip = out + headers.network_offset;
  std::uint8_t* const udp = out + headers.transport_offset;
  const auto length = static_cast<std::uint16_t>(kUdpOctets + payload_octets);
  // Sums come from what was written, not from where: it is on its way to the cache yet.
  Sum sum = 0;
  if (headers.ipv6) {
    store16(ip + 4, length);
    sum = checksum_add(0, {ip + 8, 32});
  } else {
    const std::uint32_t from = load32(ip + 12);
    const std::uint32_t to = load32(ip + 16);
    sum = (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff);
    const auto total = static_cast<std::uint16_t>(20 + length);
    store16(ip + 2, total);
    store16(ip + 10, checksum_fold(sum + 0x4500 + total + kDontFragment +
                                   (std::uint32_t{kHopLimit} << 8) + kProtocolUdp));
  }
  sum += kProtocolUdp + 2U * length + source + destination + payload_sum;
  const std::uint16_t checksum = checksum_fold(sum);
  store16(udp, source);
  store16(udp + 2, destination);
  store16(udp + 4, length);
  store16(udp + 6, checksum == 0 ? 0xffff : checksum);  // 0 means none (RFC 768)
  return headers.transport_offset + kUdpOctets;
}

void change_checksum(std::span<std::uint8_t> segment, std::size_t checksum_at,
                     std::span<const std::uint8_t> changed, Sum before) {
  const std::uint16_t stated = load16(&segment[checksum_at]);
  const bool udp = checksum_at == 6;
  if (udp && stated == 0) return;  // none (RFC 768)
  Sum after = checksum_add(0, changed);
  if ((changed.data() - segment.data()) % 2 != 0) {
    before = turned(before);
    after = turned(after);
  }
  // HC' = ~(~HC + ~m + m'), where checksum_fold() gives ~m.
  const auto without = static_cast<std::uint16_t>(~stated);
  const auto now = static_cast<std::uint16_t>(~checksum_fold(after));
  const std::uint16_t sum = checksum_fold(Sum{without} + checksum_fold(before) + now);
  store16(&segment[checksum_at], udp && sum == 0 ? 0xffff : sum);
}

std::size_t finish_headers(const ReplyHeaders& headers, const Frame& parsed, std::uint8_t* frame,
                           std::size_t segment_octets, std::size_t checksum_at) {
  std::uint8_t* ip = frame + headers.network_offset;
  std::uint8_t* segment = frame + headers.transport_offset;
  std::span<const std::uint8_t> addresses;
  std::uint8_t protocol = 0;
  if (headers.ipv6) {
    store16(ip + 4, static_cast<std::uint16_t>(segment_octets));
    addresses = {ip + 8, 32};
    protocol = ip[6];
  } else {
    store16(ip + 2, static_cast<std::uint16_t>(20 + segment_octets));
    set_ipv4_checksum(ip);
    addresses = {ip + 12, 8};
    protocol = ip[9];
  }
  store16(segment + checksum_at, 0);
  std::uint16_t sum = transport_checksum(addresses, protocol, {segment, segment_octets});
  // Zero means "no checksum" in UDP (RFC 768); over IPv6 it is forbidden.
  if (sum == 0 && protocol == kProtocolUdp) sum = 0xffff;
  store16(segment + checksum_at, sum);
  const std::size_t total = headers.transport_offset + segment_octets;
  finish_layers(parsed, frame, total);
  return total;
}

}  // namespace sluice::packet
