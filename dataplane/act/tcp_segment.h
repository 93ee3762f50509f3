// Builds a TCP segment in the name of one side of a connection, from a segment that was withheld:
// with right sequence and acknowledgement numbers, checksums and, where the connection uses them,
// timestamps (RFC 9293 3.1 and 3.10.7, RFC 7323 3.2).
//
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/frame.h"
#include "dataplane/packet/reply.h"

namespace sluice::act {

/// The longest payload that write_tcp_segment() takes: fits every path's MTU (RFC 8200 section 5)
/// less its headers.
inline constexpr std::size_t kMaxSegmentPayload = 1200;
inline constexpr std::size_t kMaxSegmentOctets =
    packet::kMaxReplyHeaderOctets + 32 + kMaxSegmentPayload;

/// Numbers that follow from the withheld segment: it counts as received by whom we answer `back`,
/// and as never sent to whom we go `onward`.
struct TcpNumbers {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
};
[[nodiscard]] TcpNumbers numbers_after(std::span<const std::uint8_t> withheld,
                                       const packet::Frame& parsed, packet::Way way);

/// Writes the frame into `out`, of at least kMaxSegmentOctets, and returns its length. A segment
/// with RST in `flags` goes without timestamps.
[[nodiscard]] std::size_t write_tcp_segment(std::span<const std::uint8_t> withheld,
                                            const packet::Frame& parsed, packet::Way way,
                                            TcpNumbers numbers, std::uint8_t flags,
                                            std::span<const std::uint8_t> payload,
                                            std::uint8_t* out);

/// A RST that the receiver has to accept, since it stands at the next number that it expects (RFC
/// 5961 3.2).
[[nodiscard]] std::size_t write_tcp_reset(std::span<const std::uint8_t> withheld,
                                          const packet::Frame& parsed, packet::Way way,
                                          std::uint8_t* out);

}  // namespace sluice::act
