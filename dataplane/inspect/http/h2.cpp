#include "dataplane/inspect/http/h2.h"

#include <algorithm>

#include "dataplane/inspect/http/authority.h"
#include "dataplane/packet/bytes.h"

namespace sluice::inspect::http {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kFrameHeaderOctets = 9;
constexpr std::size_t kMaxFrameOctets = 16384;
constexpr std::size_t kPriorityOctets = 5;
constexpr std::uint8_t kHeaders = 1;
constexpr std::uint8_t kContinuation = 9;
constexpr std::uint8_t kEndHeaders = 0x04;
constexpr std::uint8_t kPadded = 0x08;
constexpr std::uint8_t kPriority = 0x20;

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  Bytes payload;
};

/// Reads frame by frame; where one is not wholly there, wanted() says up to where it goes.
class Frames {
 public:
  explicit Frames(Bytes stream) : stream_(stream) {}

  Outcome next(Frame& frame, H2Defect& defect) {
    if (stream_.size() - at_ < kFrameHeaderOctets) {
      wanted_ = at_ + kFrameHeaderOctets;
      return Outcome::need_more;
    }
    const std::uint8_t* header = &stream_[at_];
    const std::size_t length = packet::load24(header);
    if (length > kMaxFrameOctets) return refuse(defect, H2Defect::frame_length);
    if (++count_ > kMaxH2Frames) return refuse(defect, H2Defect::too_many_frames);
    if (length > stream_.size() - at_ - kFrameHeaderOctets) {
      wanted_ = at_ + kFrameHeaderOctets + length;
      return Outcome::need_more;
    }
    frame = {header[3], header[4], packet::load32(header + 5) & 0x7fffffffU,
             stream_.subspan(at_ + kFrameHeaderOctets, length)};
    at_ += kFrameHeaderOctets + length;
    return Outcome::found;
  }

  void skip(std::size_t octets) { at_ += octets; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t wanted() const { return wanted_; }

 private:
  static Outcome refuse(H2Defect& defect, H2Defect why) {
    defect = why;
    return Outcome::malformed;
  }

  Bytes stream_;
  std::size_t at_ = 0;
  std::size_t wanted_ = 0;
  std::size_t count_ = 0;
};

/// Takes padding and priority off a HEADERS frame (RFC 9113 section 6.2).
bool strip_headers(Frame& frame) {
  Bytes payload = frame.payload;
  std::size_t padding = 0;
  if ((frame.flags & kPadded) != 0) {
    if (payload.empty()) return false;
    padding = payload.front();
    payload = payload.subspan(1);
  }
  const std::size_t priority = (frame.flags & kPriority) != 0 ? kPriorityOctets : 0;
  if (priority + padding > payload.size()) return false;
  frame.payload = payload.subspan(priority, payload.size() - priority - padding);
  return true;
}

/// The first header block, joined in `scratch` if it is cut over frames; `scratch` is then what is
/// left of it.
Outcome read_block(Frames& frames, std::span<std::uint8_t>& scratch, Bytes& block,
                   H2Defect& defect) {
  const auto refuse = [&defect](H2Defect why) {
    defect = why;
    return Outcome::malformed;
  };
  Frame frame;
  do {
    const Outcome outcome = frames.next(frame, defect);
    if (outcome != Outcome::found) return outcome;
  } while (frame.type != kHeaders);
  if (!strip_headers(frame)) return refuse(H2Defect::frame);
  block = frame.payload;
  if ((frame.flags & kEndHeaders) != 0) return Outcome::found;

  const std::uint32_t stream = frame.stream;
  std::size_t size = 0;
  for (;;) {
    if (frame.payload.size() > std::min(scratch.size(), kMaxH2BlockOctets) - size) {
      return refuse(H2Defect::block_too_long);
    }
    std::copy(frame.payload.begin(), frame.payload.end(),
              scratch.begin() + static_cast<std::ptrdiff_t>(size));
    size += frame.payload.size();
    if ((frame.flags & kEndHeaders) != 0) break;
    const Outcome outcome = frames.next(frame, defect);
    if (outcome != Outcome::found) return outcome;
    if (frame.type != kContinuation || frame.stream != stream) return refuse(H2Defect::frame);
  }
  block = scratch.first(size);
  scratch = scratch.subspan(size);
  return Outcome::found;
}

H2Defect read_names(Bytes block, std::span<std::uint8_t> scratch, H2Request& out) {
  HpackReader reader(block, scratch);
  std::string_view value;
  while (reader.next_host(value)) {
    const std::string_view host = host_of(value);
    if (host.empty()) continue;
    if (out.name_count == kMaxNames) return H2Defect::too_many_names;
    out.names[out.name_count++] = host;
  }
  out.hpack = reader.defect();
  return out.hpack == HpackDefect::none ? H2Defect::none : H2Defect::field;
}

}  // namespace

bool may_be_h2(std::span<const std::uint8_t> start) {
  const std::size_t common = std::min(start.size(), kH2Preface.size());
  return std::equal(start.begin(), start.begin() + static_cast<std::ptrdiff_t>(common),
                    kH2Preface.begin());
}

Outcome parse_h2(std::span<const std::uint8_t> stream, std::span<std::uint8_t> scratch,
                 H2Request& out) {
  out = {};
  if (!may_be_h2(stream)) {
    out.defect = H2Defect::preface;
    return Outcome::malformed;
  }
  if (stream.size() < kH2Preface.size()) {
    out.wanted = kH2Preface.size();
    return Outcome::need_more;
  }
  Frames frames(stream);
  frames.skip(kH2Preface.size());
  Bytes block;
  const Outcome outcome = read_block(frames, scratch, block, out.defect);
  if (outcome == Outcome::need_more) out.wanted = frames.wanted();
  if (outcome != Outcome::found) return outcome;
  out.defect = read_names(block, scratch, out);
  if (out.defect != H2Defect::none) return Outcome::malformed;
  out.consumed = frames.at();
  return out.name_count > 0 ? Outcome::found : Outcome::no_name;
}

}  // namespace sluice::inspect::http
