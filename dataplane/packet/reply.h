// Builds the link and IP headers of a frame that answers, or continues, one that was received: the
// VLAN stack of the original is kept, IP options and extension headers are not.
//
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/frame.h"

namespace sluice::packet {

/// Ethernet, VLAN tags and the longest IP header that is written.
inline constexpr std::size_t kMaxReplyHeaderOctets =
    kEthernetOctets + kMaxVlanTags * kVlanTagOctets + 40;

enum class Toward : std::uint8_t { client, server };

/// The headers of a frame toward the sender of `original` (addresses swapped) or onward to its
/// receiver (addresses kept).
struct ReplyHeaders {
  std::uint16_t network_offset = 0;
  std::uint16_t transport_offset = 0;  // where the caller writes UDP or TCP
  bool ipv6 = false;
};

/// Writes all but lengths and checksums into `out`, of at least kMaxReplyHeaderOctets. `out` may
/// begin at the same address as `original`: headers are read before they are written.
[[nodiscard]] ReplyHeaders write_headers(std::span<const std::uint8_t> original, const Frame& frame,
                                         Toward toward, std::uint8_t protocol, std::uint8_t* out);

/// Once the segment of `segment_octets` stands at transport_offset: fills in the IP length, the IP
/// checksum and the transport checksum at `checksum_at` within the segment. Returns the length of
/// the frame.
std::size_t finish_headers(const ReplyHeaders& headers, std::uint8_t* frame,
                           std::size_t segment_octets, std::size_t checksum_at);

}  // namespace sluice::packet
