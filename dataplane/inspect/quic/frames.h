// Walks the frames inside an opened Initial packet to those that carry CRYPTO octets. RFC 9000
// sections 12.4 and 19; what may stand in an Initial is in table 3. Google's own versions number
// the frames otherwise; of theirs, only what a client's first flight holds is known.
//
// Thread safety: free functions over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/inspect/quic/packet.h"

namespace sluice::inspect::quic {

/// Whether a payload that begins with `front`, a whole type at least, begins with a frame that
/// FrameReader knows. What does not is no client's Initial that a server reads.
[[nodiscard]] bool may_begin_frames(std::span<const std::uint8_t> front, Dialect dialect);

enum class FrameDefect : std::uint8_t {
  none,
  cut,      // longer than the packet
  unknown,  // a type that no Initial carries; where it ends is not known
};

/// Frames before a defect count. Types are read as variable-length integers in any form, as lenient
/// servers do (RFC 9000 section 12.4 lets a receiver refuse a longer one).
class FrameReader {
 public:
  FrameReader(std::span<const std::uint8_t> payload, Dialect dialect)
      : reader_(payload), dialect_(dialect) {}

  /// The next CRYPTO frame's octets and their place in the stream; false at the end, or at a
  /// defect.
  bool next_crypto(std::uint64_t& offset, std::span<const std::uint8_t>& octets);
  [[nodiscard]] FrameDefect defect() const { return defect_; }

 private:
  Reader reader_;
  Dialect dialect_;
  FrameDefect defect_ = FrameDefect::none;
};

}  // namespace sluice::inspect::quic
