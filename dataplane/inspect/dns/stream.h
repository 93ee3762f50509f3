// Cuts a TCP stream into DNS messages, each behind its length of 16 bits (RFC 1035 4.2.2, RFC 7766
// section 8).
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::dns {

inline constexpr std::size_t kLengthOctets = 2;

/// found: `message` is the first one, of any length, since servers go on behind one that is shorter
/// than a header; the next stands kLengthOctets + message.size() on. need_more: its end is not
/// there yet.
[[nodiscard]] Outcome next_message(std::span<const std::uint8_t> stream,
                                   std::span<const std::uint8_t>& message);

}  // namespace sluice::inspect::dns
