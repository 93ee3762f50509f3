#include "dataplane/inspect/quic/frames.h"

#include <array>

namespace sluice::inspect::quic {
namespace {

constexpr std::uint64_t kPadding = 0x00;
constexpr std::uint64_t kPing = 0x01;
constexpr std::uint64_t kAck = 0x02;
constexpr std::uint64_t kAckEcn = 0x03;
constexpr std::uint64_t kCrypto = 0x06;
constexpr std::uint64_t kConnectionClose = 0x1c;
constexpr std::uint64_t kGooglePing = 0x07;
constexpr std::uint64_t kGoogleCrypto = 0x08;

/// The IETF's type of the same frame, which has the same layout.
std::uint64_t ietf_type(std::uint64_t type) {
  if (type == kGooglePing) return kPing;
  if (type == kGoogleCrypto) return kCrypto;
  return type == kPadding ? type : ~std::uint64_t{0};
}

/// A bit for each octet that a type can begin with, of any dialect: the type itself, or zeros where
/// it takes more than one octet.
constexpr auto kFirstOctets = [] {
  std::array<std::uint64_t, 4> bits = {0, 1, 1, 1};
  for (const std::uint64_t type :
       {kPadding, kPing, kAck, kAckEcn, kCrypto, kConnectionClose, kGooglePing, kGoogleCrypto}) {
    bits[0] |= std::uint64_t{1} << type;
  }
  return bits;
}();

bool skip_varints(Reader& reader, std::uint64_t count) {
  std::uint64_t skipped = 0;
  for (; count > 0; --count) {
    if (!reader.varint(skipped)) return false;
  }
  return true;
}

bool skip_ack(Reader& reader, bool ecn) {
  std::uint64_t ranges = 0;
  // Largest Acknowledged and ACK Delay; First ACK Range, then two for each further range. A range
  // takes octets, so that a false count ends with them.
  if (!skip_varints(reader, 2) || !reader.varint(ranges)) return false;
  if (!skip_varints(reader, 1) || ranges > reader.left()) return false;
  return skip_varints(reader, 2 * ranges + (ecn ? 3 : 0));
}

bool skip_close(Reader& reader) {
  std::uint64_t reason = 0;
  return skip_varints(reader, 2) && reader.varint(reason) && reader.skip(reason);
}

/// False at the end, or where the type ends past it.
bool read_type(Reader& reader, Dialect dialect, std::uint64_t& type) {
  if (!reader.varint(type)) return false;
  if (dialect != Dialect::ietf) type = ietf_type(type);
  return true;
}

}  // namespace

bool may_begin_frames(std::span<const std::uint8_t> front, Dialect dialect) {
  // Most of what is asked about is any octets: one look at a table, since their branches cannot be
  // foreseen.
  if (front.empty() || (kFirstOctets[front[0] / 64] >> front[0] % 64 & 1) == 0) return false;
  Reader reader(front);
  std::uint64_t type = 0;
  if (!read_type(reader, dialect, type)) return false;
  return type <= kAckEcn || type == kCrypto || type == kConnectionClose;
}

bool FrameReader::next_crypto(std::uint64_t& offset, std::span<const std::uint8_t>& octets) {
  std::uint64_t type = 0;
  while (defect_ == FrameDefect::none && !reader_.empty()) {
    bool whole = read_type(reader_, dialect_, type);
    if (whole) {
      switch (type) {
        case kPadding:
          reader_.skip_zeros();
          break;
        case kPing:
          break;
        case kAck:
        case kAckEcn:
          whole = skip_ack(reader_, type == kAckEcn);
          break;
        case kCrypto: {
          std::uint64_t length = 0;
          whole =
              reader_.varint(offset) && reader_.varint(length) && reader_.octets(length, octets);
          if (whole) return true;
          break;
        }
        case kConnectionClose:
          whole = skip_close(reader_);
          break;
        default:
          defect_ = FrameDefect::unknown;
          return false;
      }
    }
    if (!whole) defect_ = FrameDefect::cut;
  }
  return false;
}

}  // namespace sluice::inspect::quic
