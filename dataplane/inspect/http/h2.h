// Finds the host names that the first request of an HTTP/2 connection without TLS is for, where the
// client begins it by prior knowledge (RFC 9113 sections 3.3 and 3.4).
//
// Later requests of the connection are not read: their blocks need the whole dynamic table.
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/http/hpack.h"
#include "dataplane/inspect/http/request.h"
#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::http {

inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frames before the first request, and the request's header block.
inline constexpr std::size_t kMaxH2Frames = 1024;
inline constexpr std::size_t kMaxH2BlockOctets = 16384;

enum class H2Defect : std::uint8_t {
  none,
  preface,
  frame_length,     // over 2^14, which no server has allowed yet
  frame,            // padding or priority that goes past the frame, or no CONTINUATION where due
  too_many_frames,  // more than kMaxH2Frames
  block_too_long,   // over kMaxH2BlockOctets, or than the scratch takes
  field,            // an undecodable header block; `hpack` says how
  too_many_names,   // more than kMaxNames
};

struct H2Request {
  H2Defect defect = H2Defect::none;
  HpackDefect hpack = HpackDefect::none;
  std::size_t name_count = 0;
  std::array<std::string_view, kMaxNames> names;  // without port; otherwise as sent
  std::size_t wanted = 0;    // with need_more: how many octets have to be there, at least
  std::size_t consumed = 0;  // with found and no_name: octets up to the block's end
};

/// Whether the stream starts with the preface; true for fewer octets that fit so far.
[[nodiscard]] bool may_be_h2(std::span<const std::uint8_t> start);

/// Names point into the stream or into `scratch`, which should take the longest block and its
/// decoded values: twice kMaxH2BlockOctets are always enough for what names can be.
[[nodiscard]] Outcome parse_h2(std::span<const std::uint8_t> stream,
                               std::span<std::uint8_t> scratch, H2Request& out);

}  // namespace sluice::inspect::http
