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
#include <span>

#include "dataplane/packet/frame.h"

namespace sluice::packet {

inline constexpr std::size_t kMaxReplyHeaderOctets = kMaxLinkOctets + 40;

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

/// The whole headers of a UDP datagram made here, checksums included: of one from the same ports, or
/// with Way::back, to them. `payload_sum` is checksum_add() of the payload. Returns where the payload
/// goes; finish_layers() is for the caller to do, once it is there.
std::size_t write_udp_headers(std::span<const std::uint8_t> original, const Frame& frame, Way way,
                              std::size_t payload_octets, std::uint32_t payload_sum,
                              std::uint8_t* out);

/// Makes the lengths and checksums of the layers around the innermost IP header right for a frame
/// of `total` octets whose innermost packet is finished.
void finish_layers(const Frame& parsed, std::uint8_t* frame, std::size_t total);

}  // namespace sluice::packet
