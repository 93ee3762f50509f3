#include "dataplane/packet/reply.h"

#include <array>
#include <cstring>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"

namespace sluice::packet {
namespace {

constexpr std::uint8_t kHopLimit = 64;

}  // namespace

ReplyHeaders write_headers(std::span<const std::uint8_t> original, const Frame& frame,
                           Toward toward, std::uint8_t protocol, std::uint8_t* out) {
  std::array<std::uint8_t, kMaxReplyHeaderOctets> headers{};
  const bool swap = toward == Toward::client;
  const std::size_t link = frame.network_offset;
  std::memcpy(headers.data(), original.data(), link);
  if (swap) {
    std::memcpy(headers.data(), &original[6], 6);
    std::memcpy(headers.data() + 6, original.data(), 6);
  }
  // A server may be reached by a group address, but a frame from one is invalid and is not carried
  // (IEEE 802.3 3.2.3).
  headers[6] &= 0xfe;
  std::uint8_t* ip = headers.data() + link;
  const std::uint8_t* from = &original[link];
  std::size_t octets = 0;
  if (frame.ipv6) {
    octets = 40;
    ip[0] = 0x60;
    ip[6] = protocol;
    ip[7] = kHopLimit;
    std::memcpy(ip + (swap ? 24 : 8), from + 8, 16);
    std::memcpy(ip + (swap ? 8 : 24), from + 24, 16);
  } else {
    octets = 20;
    ip[0] = 0x45;
    store16(ip + 6, 0x4000);  // never fragmented, so the identification is free (RFC 6864)
    ip[8] = kHopLimit;
    ip[9] = protocol;
    std::memcpy(ip + (swap ? 16 : 12), from + 12, 4);
    std::memcpy(ip + (swap ? 12 : 16), from + 16, 4);
  }
  std::memcpy(out, headers.data(), link + octets);
  return {static_cast<std::uint16_t>(link), static_cast<std::uint16_t>(link + octets), frame.ipv6};
}

std::size_t finish_headers(const ReplyHeaders& headers, std::uint8_t* frame,
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
  return headers.transport_offset + segment_octets;
}

}  // namespace sluice::packet
