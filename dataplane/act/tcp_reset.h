// Refuses a TCP connection by RST, from the segment that would have completed a blocked request and
// that is withheld: one toward the client in the server's name, one toward the server in the
// client's. RFC 9293 3.10.7 and RFC 5961 3.2: a RST counts only at the receiver's next sequence
// number.
//
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/frame.h"
#include "dataplane/packet/reply.h"

namespace sluice::act {

/// The longest frame that write_tcp_reset() makes.
inline constexpr std::size_t kMaxResetOctets = packet::kMaxReplyHeaderOctets + 20;

/// Writes the RST into `out`, of at least kMaxResetOctets, and returns the frame's length.
[[nodiscard]] std::size_t write_tcp_reset(std::span<const std::uint8_t> withheld,
                                          const packet::Frame& parsed, packet::Toward toward,
                                          std::uint8_t* out);

}  // namespace sluice::act
