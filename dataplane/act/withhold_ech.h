// Takes ECH configurations out of a DNS response, so that a client's ClientHello names the server
// that it means: as if the server had none. The record keeps its length, and with it every
// compression pointer its place: what follows "ech" moves up, and a parameter for private use,
// which clients do not know, fills the room.
//
// RFC 9460 2.2 (SvcParams), 14.3.2 (private use: 65280 to 65534), RFC 9848 (the "ech" parameter).
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::act {

/// Of a response whose records begin at `records_at`, as parse_response() read it. Returns how many
/// were taken out; records that nobody could read are left alone.
unsigned withhold_ech(std::span<std::uint8_t> message, std::size_t records_at);

}  // namespace sluice::act
