// Refuses a QUIC connection: the UDP payload of a server's Initial that carries CONNECTION_CLOSE,
// under the server's Initial keys, which anyone who saw the client's Initial can derive. RFC 9000
// sections 10.2.3, 17.2.2 and 19.19; RFC 9001 section 5.2.
//
// Thread safety: free functions over the caller's buffers and the lcore's Crypto; nothing
// allocates.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/quic/initial.h"

namespace sluice::act {

/// What is left of a longer reason phrase.
inline constexpr std::size_t kMaxQuicReasonOctets = 64;
/// The longest payload that write_quic_close() makes: header, frame and tag.
inline constexpr std::size_t kMaxQuicCloseOctets =
    (1 + 4 + 2 * (1 + inspect::quic::kMaxConnectionIdOctets) + 1 + 2 + 2) +
    (1 + 1 + 1 + 2 + kMaxQuicReasonOctets) + inspect::quic::kTagOctets;

/// Writes the payload into `out`, of at least kMaxQuicCloseOctets, and returns its length; 0 before
/// any Initial of the connection opened, and for Google's own versions, whose frames differ.
/// `connection`: as inspect() left it at the Initial that is refused. No padding: a packet that
/// asks for no acknowledgement needs none (RFC 9000 section 14.1).
[[nodiscard]] std::size_t write_quic_close(const inspect::quic::Connection& connection,
                                           std::string_view reason, inspect::quic::Crypto& crypto,
                                           std::uint8_t* out);

}  // namespace sluice::act
