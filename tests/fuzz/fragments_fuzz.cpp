// Any octets as fragments of a few IPv4 and IPv6 datagrams in any order: what comes of each is what
// a map of its octets says, and a datagram that is complete is the one that was cut.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/flow/fragments.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/input.h"

namespace sluice::fuzz {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Result = flow::Fragments::Result;

constexpr std::uint64_t kLifetimeMs = 60'000;

/// One fragment, as its sender means it.
struct Piece {
  bool ipv6 = false;
  std::uint8_t identification = 0;
  std::size_t offset = 0;
  bool more = false;
  std::uint8_t options = 0;      // 32-bit words: IPv4 options, or pairs of Destination Options
  std::uint8_t next_header = 0;  // IPv6: in the Fragment header
  Bytes octets;
};

/// Octet `at` of every datagram: the UDP header first.
std::uint8_t octet(std::size_t at, std::uint8_t salt) {
  constexpr std::array<std::uint8_t, 4> kPorts = {0xc3, 0x50, 0x12, 0x34};
  if (at < kPorts.size()) return kPorts[at];
  return static_cast<std::uint8_t>(at * 13 + at / 251 + salt);
}

Bytes make_frame(const Piece& piece) {
  Bytes frame = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  const std::size_t length = piece.octets.size();
  if (piece.ipv6) {
    const std::size_t extension = piece.options / 2 * 8U;
    frame.insert(frame.end(), {0x86, 0xdd, 0x60, 0, 0, 0, 0, 0});
    packet::store16(&frame[18], static_cast<std::uint16_t>(extension + 8 + length));
    frame.insert(frame.end(), {static_cast<std::uint8_t>(extension > 0 ? 60 : 44), 64});
    frame.resize(frame.size() + 32, 0x20);
    frame[53] = 0x21;
    if (extension > 0) {
      const std::size_t at = frame.size();
      frame.resize(at + extension);
      frame[at] = 44;
      frame[at + 1] = static_cast<std::uint8_t>(extension / 8 - 1);
      frame[at + 2] = 1;
      frame[at + 3] = static_cast<std::uint8_t>(extension - 4);
    }
    const auto field = static_cast<std::uint16_t>(piece.offset | (piece.more ? 1U : 0U));
    frame.insert(frame.end(), {piece.next_header, 0, 0, 0, 0, 0, 0, piece.identification});
    packet::store16(&frame[frame.size() - 6], field);
  } else {
    const std::size_t header = 20 + piece.options * 4U;
    const std::size_t at = frame.size() + 2;
    frame.insert(frame.end(), {0x08, 0x00});
    frame.resize(at + header, 1);  // options: no operation
    frame[at] = static_cast<std::uint8_t>(0x40 + header / 4);
    packet::store16(&frame[at + 2], static_cast<std::uint16_t>(header + length));
    packet::store16(&frame[at + 4], piece.identification);
    packet::store16(&frame[at + 6],
                    static_cast<std::uint16_t>(piece.offset / 8 | (piece.more ? 0x2000U : 0U)));
    frame[at + 9] = packet::kProtocolUdp;
    packet::store16(&frame[at + 10], 0);
    packet::store16(&frame[at + 10],
                    packet::checksum_fold(packet::checksum_add(0, {&frame[at], header})));
  }
  frame.insert(frame.end(), piece.octets.begin(), piece.octets.end());
  return frame;
}

/// What is held of one datagram.
struct Reference {
  std::uint64_t started_ms = 0;
  bool overlapped = false;
  bool blocked = false;
  std::optional<std::size_t> total;
  std::vector<std::optional<std::uint8_t>> octets;

  Result add(const Piece& piece) {
    if (overlapped) return Result::overlap;
    if (blocked) return Result::blocked;
    const std::size_t end = piece.offset + piece.octets.size();
    overlapped = (!piece.more && ((total && *total != end) || octets.size() > end)) ||
                 (total && end > *total);
    if (!overlapped && !piece.octets.empty()) {
      if (octets.size() < end) octets.resize(end);
      for (std::size_t i = 0; i < piece.octets.size(); ++i) {
        auto& at = octets[piece.offset + i];
        if (at && *at != piece.octets[i]) overlapped = true;
        at = piece.octets[i];
      }
    }
    if (overlapped) return Result::overlap;
    if (!piece.more) total = end;
    const bool whole = total && *total > 0 && octets.size() == *total &&
                       std::find(octets.begin(), octets.end(), std::nullopt) == octets.end();
    return whole ? Result::complete : Result::incomplete;
  }
  /// Of one that is whole.
  [[nodiscard]] bool has_place_for(const Piece& piece) const {
    const std::size_t end = piece.offset + piece.octets.size();
    return end <= *total && piece.more == (end < *total);
  }
  [[nodiscard]] bool holds(const Piece& piece) const {
    return has_place_for(piece) &&
           std::equal(piece.octets.begin(), piece.octets.end(),
                      octets.begin() + static_cast<std::ptrdiff_t>(piece.offset));
  }
};

/// All that is held of one identification: a datagram in the making, and those that were whole, the
/// latest one last.
struct References {
  std::optional<Reference> open;
  std::vector<Reference> whole;

  void age(std::uint64_t now_ms) {
    const auto is_old = [now_ms](const Reference& one) {
      return one.started_ms + kLifetimeMs <= now_ms;
    };
    if (open && is_old(*open)) open.reset();
    std::erase_if(whole, is_old);
  }
  /// With complete, the datagram is whole.back().
  Result add(const Piece& piece, std::uint64_t now_ms) {
    age(now_ms);
    const auto other = std::find_if(whole.rbegin(), whole.rend(),
                                    [&](const Reference& one) { return !one.holds(piece); });
    std::optional<Reference> in_place;
    if (other != whole.rend()) in_place = *other;
    if (!open) {
      const auto copied = std::find_if(whole.rbegin(), whole.rend(),
                                       [&](const Reference& one) { return one.holds(piece); });
      if (copied != whole.rend()) {
        std::rotate(copied.base() - 1, copied.base(), whole.end());
        return Result::complete;
      }
      open = Reference{.started_ms = now_ms};
    }
    const Result result = open->add(piece);
    if (result == Result::complete) {
      whole.push_back(*std::exchange(open, std::nullopt));
      return result;
    }
    if (result != Result::incomplete || !in_place || !in_place->has_place_for(piece)) return result;
    std::copy(piece.octets.begin(), piece.octets.end(),
              in_place->octets.begin() + static_cast<std::ptrdiff_t>(piece.offset));
    in_place->started_ms = now_ms;
    whole.push_back(*in_place);
    return Result::complete;
  }
  void block(std::uint64_t started_ms) {
    open = Reference{.started_ms = started_ms, .blocked = true};
    whole.clear();
  }
};

void check_whole(std::span<const std::uint8_t> view, const Piece& last, const Reference& whole) {
  SLUICE_EXPECT(view.size() > *whole.total);
  const auto octets = view.last(*whole.total);
  for (std::size_t i = 0; i < octets.size(); ++i) SLUICE_EXPECT(octets[i] == *whole.octets[i]);

  const packet::Frame frame = packet::parse_frame(view);
  SLUICE_EXPECT(frame.kind == packet::FrameKind::udp ||
                frame.kind == packet::FrameKind::malformed_transport);
  SLUICE_EXPECT(!frame.cut && frame.ipv6 == last.ipv6 && frame.network_offset == 14);
  SLUICE_EXPECT(frame.transport_offset == view.size() - *whole.total);
  if (frame.kind != packet::FrameKind::udp) return;
  SLUICE_EXPECT(std::size_t{frame.payload_offset} + frame.payload_length <= view.size());
}

Piece decode(Input& input) {
  Piece piece;
  const std::uint8_t which = input.next8();
  piece.ipv6 = (which & 1) != 0;
  piece.identification = which >> 1 & 3;
  piece.more = (which & 8) == 0;
  piece.options = which >> 4 & 7;
  const std::uint8_t place = input.next8();
  piece.offset = (place & 0x3fU) * 8U << (place >> 6);
  // All but the last are multiples of eight octets long, as senders make them.
  const std::uint8_t length = input.next8();
  const std::size_t octets = piece.more ? length * 8U : length;
  const std::uint8_t salt = (which & 0x80) != 0 ? input.next8() : 0;
  // RFC 8200 4.5: only the first fragment's counts.
  piece.next_header = piece.offset > 0 && salt != 0 ? salt : packet::kProtocolUdp;
  piece.octets.resize(octets);
  for (std::size_t i = 0; i < octets; ++i) {
    piece.octets[i] = octet(piece.offset + i, salt & 0x40);
  }
  return piece;
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static flow::Fragments fragments;
  static std::uint64_t now_ms = 1;
  now_ms += fuzz::kLifetimeMs;  // what earlier inputs left is gone
  std::map<std::pair<bool, std::uint8_t>, fuzz::References> references;
  fuzz::Input input(data, size);
  // So many that there is a place for every datagram that they make.
  for (int pieces = 0; pieces < 100 && !input.empty(); ++pieces) {
    const std::uint8_t step = input.next8();
    if ((step & 0xc0) == 0xc0) now_ms += (step & 0x3fU) * 500U;
    const fuzz::Piece piece = fuzz::decode(input);
    const fuzz::Bytes bytes = fuzz::make_frame(piece);
    const packet::Frame frame = packet::parse_frame(bytes);
    if (frame.kind != packet::FrameKind::fragment) continue;  // all of a datagram at once
    SLUICE_EXPECT(frame.fragment_offset == piece.offset && frame.more_fragments == piece.more);
    SLUICE_EXPECT(frame.payload_length == piece.octets.size());
    fragments.begin_burst();
    const auto datagram = fragments.add(bytes, frame, 0, now_ms);
    if (piece.offset + piece.octets.size() > flow::kMaxDatagramOctets) {
      SLUICE_EXPECT(datagram.result == fuzz::Result::too_large);
      continue;
    }
    fuzz::References& reference = references[{piece.ipv6, piece.identification}];
    SLUICE_EXPECT(datagram.result == reference.add(piece, now_ms));
    if (datagram.result != fuzz::Result::complete) continue;
    fuzz::check_whole(datagram.view, piece, reference.whole.back());
    if ((step & 0x20) == 0) continue;
    fragments.block(datagram.handle, 0);
    reference.block(reference.whole.back().started_ms);
  }
  return 0;
}
