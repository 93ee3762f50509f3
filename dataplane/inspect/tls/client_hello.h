// Finds the server names that a TLS ClientHello asks for.
//
// The bytes are the start of a client's stream. A ClientHello may be longer than what is there: the
// names are told as soon as they are wholly readable, since nothing later can take them back, and
// need_more otherwise. RFC 8446 4.1.2 and 5.1, RFC 6066 section 3.
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::tls {

/// More names than servers accept in one ClientHello (RFC 6066: one of each type).
inline constexpr std::size_t kMaxNames = 4;

enum class Defect : std::uint8_t {
  none,
  not_client_hello,  // a handshake record, but of another message
  record_length,     // an empty record, or over 2^14 + 256 octets
  version,           // the ClientHello's own version is not 3.x
  session_id,        // over 32 octets
  cipher_suites,     // none, or an odd length
  compression,       // none
  extensions,        // lengths that contradict each other
  server_name,       // an unreadable server_name extension
  too_many_names,
};

struct ClientHello {
  Defect defect = Defect::none;
  std::size_t name_count = 0;
  std::array<std::string_view, kMaxNames> names;  // as sent: any case, any octets
};

/// Whether a stream that starts so may be TLS: a handshake record of major version 3. True for
/// fewer than three octets that fit so far.
[[nodiscard]] bool may_be_tls(std::span<const std::uint8_t> start);

[[nodiscard]] Outcome parse_client_hello(std::span<const std::uint8_t> stream, ClientHello& out);

}  // namespace sluice::inspect::tls
