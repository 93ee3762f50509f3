// Finds the host names that an HTTP/1 request is for: Host, the authority of an absolute target,
// and what CONNECT asks for.
//
// As lenient as servers are (RFC 9112 sections 2.2, 3, 5): empty lines before, bare LF line ends,
// unknown methods, folded lines, any blanks around a value. All names are told, since servers do
// not agree on which one counts (RFC 9112 section 3.2.2).
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::http {

inline constexpr std::size_t kMaxNames = 4;
inline constexpr std::size_t kMaxHeadOctets = 20480;

enum class Defect : std::uint8_t {
  none,
  request_line,    // no method, or no target
  version,         // not HTTP/ and two digits, or the preface of HTTP/2
  too_many_names,  // more than kMaxNames
  head_too_long,   // no end within kMaxHeadOctets
};

struct Request {
  Defect defect = Defect::none;
  bool complete = false;  // the head has ended: no further name can come
  std::size_t name_count = 0;
  std::array<std::string_view, kMaxNames> names;  // without port; otherwise as sent
  /// While not complete: how many octets, at least, have to be there before another call can tell
  /// more.
  std::size_t wanted = 0;

  // Where complete: what comes behind the head.
  std::size_t head_octets = 0;
  std::uint64_t content_length = 0;
  bool chunked = false;          // beats content_length (RFC 9112 section 6.3)
  bool framing_unclear = false;  // lengths that are no numbers or differ: servers may not agree
  bool connect = false;          // a tunnel, if the answer allows it
};

/// Whether a stream that starts so may be HTTP/1 or the preface of HTTP/2: the start of a request
/// line of a known method; or of any token of at most 64 octets and a target, which has to end in
/// HTTP/ and a version if its end is there.
[[nodiscard]] bool may_be_http(std::span<const std::uint8_t> start);

/// The request at the stream's start. Names are told as soon as the line that holds them has ended
/// and cannot be folded any more; nothing later can take them back, and with malformed those from
/// before the defect stay.
[[nodiscard]] Outcome parse_request(std::span<const std::uint8_t> stream, Request& out);

/// A chunk of a body (RFC 9112 section 7.1).
struct Chunk {
  std::uint64_t octets = 0;  // from the stream's start to the chunk's end, its line end left out
  bool last = false;  // the trailer section is in `octets`, and the next request is behind it
};

/// The chunk at the stream's start; line ends before its size are those of the chunk before. found,
/// whether or not its data is there; need_more; malformed.
[[nodiscard]] Outcome parse_chunk(std::span<const std::uint8_t> stream, Chunk& out);

}  // namespace sluice::inspect::http
