// Walks the frames inside an opened Initial packet and brings the CRYPTO frames' octets into their
// stream. RFC 9000 sections 12.4 and 19; what may stand in an Initial is in table 3. Google's own
// versions number the frames otherwise; of theirs, only what a client's first flight holds is
// known.
//
// Thread safety: free functions over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/flow/assembly.h"
#include "dataplane/inspect/quic/version.h"

namespace sluice::inspect::quic {

enum class FrameDefect : std::uint8_t {
  none,
  cut,      // longer than the packet
  unknown,  // a type that no Initial carries; where it ends is not known
};

struct FramesRead {
  FrameDefect defect = FrameDefect::none;
  std::uint32_t crypto_octets = 0;  // carried by CRYPTO frames, repeated ones included
  bool conflict = false;            // a CRYPTO octet was there already with another value
  bool closes = false;              // CONNECTION_CLOSE
};

/// Frames before a defect count. Types are read as variable-length integers in any form, as lenient
/// servers do (RFC 9000 section 12.4 lets a receiver refuse a longer one).
[[nodiscard]] FramesRead read_frames(std::span<const std::uint8_t> payload, Dialect dialect,
                                     flow::Assembly& stream);

}  // namespace sluice::inspect::quic
