// What a client says before the stream that counts: the PROXY protocol's header, or a SOCKS
// request. A SOCKS request may hold a name itself; behind it, as behind a PROXY header, a stream
// begins as if it were a connection's own.
//
// PROXY protocol versions 1 and 2 (HAProxy's proxy-protocol.txt, section 2); SOCKS 4 and 4a; SOCKS
// 5: RFC 1928 sections 3 and 4, RFC 1929.
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::proxy {

enum class Kind : std::uint8_t { none, proxy_v1, proxy_v2, socks4, socks5 };

enum class Defect : std::uint8_t {
  none,
  proxy_line,    // no end of line within 107 octets
  proxy_header,  // an unknown version or command, or over kMaxPreambleOctets
  socks_text,    // a user or a name without its end, over 255 octets, or empty
  socks_request  // an unknown command or kind of address
};

inline constexpr std::size_t kMaxPreambleOctets = 4096;

struct Preamble {
  Defect defect = Defect::none;
  Kind kind = Kind::none;
  std::size_t skip = 0;    // octets before the stream that follows
  std::string_view name;   // as sent; empty where there is none
  std::size_t wanted = 0;  // with need_more: how many octets have to be there, at least
};

/// need_more: may be one, or is one whose end is not there. found: a SOCKS request for a name.
/// no_name with a kind: a preamble without a name; with Kind::none: the stream starts at once.
/// malformed: one of a kind, but broken.
[[nodiscard]] Outcome parse_preamble(std::span<const std::uint8_t> stream, Preamble& out);

}  // namespace sluice::inspect::proxy
