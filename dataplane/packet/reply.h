// Builds the link and IP headers of a frame that answers, or continues, one that was received. The
// encapsulation of the original is kept: VLAN tags, MPLS labels, the PPPoE session and tunnel
// headers stand as they came, with addresses, lengths and checksums made right. Options and
// extension headers of the innermost IP header are not kept.
//
// MPLS labels and GTP tunnel ids may differ between the two directions; the answer carries those of
// the frame that it answers.
//
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/frame.h"

namespace sluice::packet {

inline constexpr std::size_t kMaxReplyHeaderOctets = kMaxLinkOctets + 40;
inline constexpr std::uint8_t kHopLimit = 64;
inline constexpr std::uint16_t kDontFragment = 0x4000;

/// Where a frame made here goes, as seen from the frame that it was made from.
enum class Way : std::uint8_t {
  back,    // to that frame's sender: addresses swapped
  onward,  // to its receiver, as if that frame's sender had sent it
};

/// The headers of a frame that was made here, for finish_headers().
struct ReplyHeaders {
  std::uint16_t network_offset = 0;
  std::uint16_t transport_offset = 0;  // where the caller writes UDP or TCP
  bool ipv6 = false;
};

/// Writes all but lengths and checksums into `out`, of at least kMaxReplyHeaderOctets. `out` may
/// begin at the same address as `original`: headers are read before they are written.
[[nodiscard]] ReplyHeaders write_headers(std::span<const std::uint8_t> original, const Frame& frame,
                                         Way way, std::uint8_t protocol, std::uint8_t* out);

/// Once the segment of `segment_octets` stands at transport_offset: fills in the IP length, the IP
/// checksum and the transport checksum at `checksum_at` within the segment, and the lengths and
/// checksums of what is around. Returns the length of the frame.
/// `parsed` is what write_headers() was given.
std::size_t finish_headers(const ReplyHeaders& headers, const Frame& parsed, std::uint8_t* frame,
                           std::size_t segment_octets, std::size_t checksum_at);

/// The whole headers of a UDP datagram made here, checksums included: of one from the same ports,
/// or with Way::back, to them. `payload_sum` is checksum_add() of the payload. Returns where the
/// payload goes; finish_layers() is for the caller to do, once it is there.
std::size_t write_udp_headers(std::span<const std::uint8_t> original, const Frame& frame, Way way,
                              std::size_t payload_octets, Sum payload_sum, std::uint8_t* out);

/// Whether turn_udp_headers() serves: a frame as nearly all are, without tunnels.
[[nodiscard]] inline bool is_plain_ipv4(const Frame& frame) {
  return frame.layer_count == 1 && !frame.ipv6;
}
/// What write_udp_headers() does with Way::back and `out` the original's own buffer, for a frame
/// that is_plain_ipv4().
inline std::size_t turn_udp_headers(std::uint8_t* frame, const Frame& parsed,
                                    std::size_t payload_octets, Sum payload_sum) {
  std::uint32_t destination;
  std::uint32_t source;
  std::uint16_t destination_end;
  std::uint16_t source_end;
  std::memcpy(&destination, frame, 4);
  std::memcpy(&destination_end, frame + 4, 2);
  std::memcpy(&source, frame + 6, 4);
  std::memcpy(&source_end, frame + 10, 2);
  destination &= ~std::uint32_t{1};  // a frame from a group address is not carried
  std::memcpy(frame, &source, 4);
  std::memcpy(frame + 4, &source_end, 2);
  std::memcpy(frame + 6, &destination, 4);
  std::memcpy(frame + 10, &destination_end, 2);

  std::uint8_t* const ip = frame + parsed.network_offset;
  std::uint8_t* const udp = ip + 20;
  std::uint64_t addresses;
  std::uint32_t ports;
  std::memcpy(&addresses, ip + 12, sizeof addresses);
  std::memcpy(&ports, frame + parsed.transport_offset, sizeof ports);
  addresses = std::rotl(addresses, 32);
  ports = std::rotl(ports, 16);
  const auto length = static_cast<std::uint16_t>(8 + payload_octets);
  const auto total = static_cast<std::uint16_t>(20 + length);
  const Sum ends = turned((addresses & 0xffffffff) + (addresses >> 32));
  const std::uint32_t life = std::uint32_t{kHopLimit} << 24 | std::uint32_t{kProtocolUdp} << 16;
  const std::uint32_t front = 0x45000000U | total;
  const std::uint16_t ip_checksum = checksum_fold(ends + front + kDontFragment + life);
  const std::uint16_t checksum =
      checksum_fold(ends + turned(ports) + kProtocolUdp + 2U * length + payload_sum);
  store32(ip, front);
  store32(ip + 4, kDontFragment);
  store32(ip + 8, life | ip_checksum);
  std::memcpy(ip + 12, &addresses, sizeof addresses);
  std::memcpy(udp, &ports, sizeof ports);
  store16(udp + 4, length);
  store16(udp + 6, checksum == 0 ? 0xffff : checksum);
  return parsed.network_offset + 28U;
}

/// Sets the checksum of a UDP or TCP segment whose octets `changed`, which lie in it, had the
/// checksum_add() `before`; one that was wrong stays wrong (RFC 1624). `segment`: the whole of it,
/// with `checksum_at` the offset of its checksum.
void change_checksum(std::span<std::uint8_t> segment, std::size_t checksum_at,
                     std::span<const std::uint8_t> changed, Sum before);

/// Makes the lengths and checksums of the layers around the innermost IP header right for a frame
/// of `total` octets whose innermost packet is finished.
void finish_tunnel_layers(const Frame& parsed, std::uint8_t* frame, std::size_t total);
inline void finish_layers(const Frame& parsed, std::uint8_t* frame, std::size_t total) {
  if (parsed.layer_count > 1) finish_tunnel_layers(parsed, frame, total);  // Ethernet has none
}

}  // namespace sluice::packet
