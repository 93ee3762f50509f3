// Finds the server name in the first packet of Google's QUIC before the IETF's, whose CHLO is in
// clear: versions Q025 to Q043 behind their public header, Q046 behind a long header. Nobody
// should speak it any more; old clients and captures do. Q050 sends its CHLO in an encrypted
// Initial: initial.h.
//
// A CHLO in clear fits its first packet, padding included, so that nothing has to be put together.
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::quic {

/// A cheap test of any UDP payload: a client's header with a version that parse_gquic() knows.
[[nodiscard]] bool may_be_gquic(std::span<const std::uint8_t> datagram);

/// found: `name`, as sent, points into the datagram. no_name: no CHLO at the start of the crypto
/// stream, or one without a name. malformed: not gQUIC, or a CHLO whose tags contradict each other.
[[nodiscard]] Outcome parse_gquic(std::span<const std::uint8_t> datagram, std::string_view& name);

/// The same of the crypto stream alone; need_more: it ends before its CHLO's name.
[[nodiscard]] Outcome parse_chlo(std::span<const std::uint8_t> stream, std::string_view& name);

}  // namespace sluice::inspect::quic
