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
  random,            // the message ends within its version and random
  session_id,        // longer than the message
  cipher_suites,     // none, or an odd length
  compression,       // none
  extensions,        // lengths that contradict each other
  server_name,       // an unreadable server_name extension
  too_many_names,
  too_many_records,  // other records than handshake ones, on end, before the ClientHello's end
  message_too_long,  // more than is looked at
};

/// The encrypted_client_hello extension of an outer ClientHello, real or GREASE: the two look the
/// same, by design (RFC 9849 section 6.2).
struct EchOffer {
  bool offered = false;
  std::uint8_t config_id = 0;
};

struct ClientHello {
  Defect defect = Defect::none;
  bool complete = false;  // read to its end: no further name can come
  std::size_t name_count = 0;
  /// As sent, in any case and with any octets, but for blanks at either end.
  std::array<std::string_view, kMaxNames> names;
  EchOffer ech;
  /// With need_more, or with found and not complete: how many octets, at least, have to be there
  /// before another call can tell more.
  std::size_t wanted = 0;
  std::size_t consumed = 0;  // where complete: octets of the stream up to the message's end
};

/// Octets of a stream that may_be_tls() wants to tell TLS with all the certainty it has.
inline constexpr std::size_t kStartOctets = 6;

/// Whether a stream that starts so may be TLS: a handshake record, of major version 3 or, since a
/// record's version is to be ignored (RFC 8446 5.1), of any that servers take, with a ClientHello
/// in it. True for fewer octets that fit so far.
[[nodiscard]] bool may_be_tls(std::span<const std::uint8_t> start);

/// Over TLS records. `scratch` holds a message that is cut over several records, and the names may
/// point into it; a longer one than it takes is malformed (message_too_long). Records of other
/// types and empty ones are skipped, up to 32 on end (RFC 8446 5.1, appendix D.4).
[[nodiscard]] Outcome parse_client_hello(std::span<const std::uint8_t> stream,
                                         std::span<std::uint8_t> scratch, ClientHello& out);

/// The bare handshake message, as QUIC's CRYPTO stream and DTLS carry it; `dtls`: the cookie field
/// is there and versions count down (RFC 6347 4.2.1).
[[nodiscard]] Outcome parse_handshake(std::span<const std::uint8_t> message, ClientHello& out,
                                      bool dtls = false);

}  // namespace sluice::inspect::tls
