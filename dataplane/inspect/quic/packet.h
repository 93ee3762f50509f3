// The part of a QUIC packet that is in clear: long headers, and how packets follow each other in a
// datagram. RFC 9000 sections 12.2, 16 and 17.2; RFC 9369 section 3.2.
//
// The fixed bit is not demanded: RFC 9287 lets a client clear it toward a server it knows.
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/inspect/quic/version.h"

namespace sluice::inspect::quic {

inline constexpr std::size_t kMaxConnectionIdOctets = 20;
/// What a client has to choose before it knows the server's (RFC 9000 section 7.2).
inline constexpr std::size_t kMinFirstDestinationOctets = 8;

struct ConnectionId {
  std::uint8_t length = 0;
  std::array<std::uint8_t, kMaxConnectionIdOctets> bytes{};  // zeros behind `length`

  /// By words: compilers call a function to compare so many octets.
  friend bool operator==(const ConnectionId& a, const ConnectionId& b) {
    const auto differs = [&]<class Word>(std::size_t at, Word) -> std::uint64_t {
      Word of_a;
      Word of_b;
      std::memcpy(&of_a, &a.bytes[at], sizeof of_a);
      std::memcpy(&of_b, &b.bytes[at], sizeof of_b);
      return of_a ^ of_b;
    };
    static_assert(kMaxConnectionIdOctets == 20);
    return (differs(0, std::uint64_t{}) | differs(8, std::uint64_t{}) |
            differs(16, std::uint32_t{}) | (std::uint64_t{a.length} ^ b.length)) == 0;
  }

  [[nodiscard]] std::span<const std::uint8_t> octets() const { return {bytes.data(), length}; }
  /// `octets`: at most kMaxConnectionIdOctets.
  void assign(std::span<const std::uint8_t> octets) {
    length = static_cast<std::uint8_t>(octets.size());
    bytes = {};
    std::copy(octets.begin(), octets.end(), bytes.begin());
  }
  [[nodiscard]] bool equals(std::span<const std::uint8_t> octets) const {
    return std::equal(octets.begin(), octets.end(), bytes.begin(), bytes.begin() + length);
  }
};

/// Reads from the front of a span; a read past its end fails and takes nothing.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool empty() const { return at_ == bytes_.size(); }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] std::span<const std::uint8_t> rest() const { return bytes_.subspan(at_); }

  bool octet(std::uint8_t& out);
  /// A variable-length integer, in the shortest form or not.
  bool varint(std::uint64_t& out) {
    if (empty() || bytes_[at_] >= 0x40) return long_varint(out);
    out = bytes_[at_++];
    return true;
  }
  bool octets(std::uint64_t count, std::span<const std::uint8_t>& out);
  bool skip(std::uint64_t count);
  /// Takes every octet up to the first that is not 0: most of a client's first datagram.
  void skip_zeros();

 private:
  bool long_varint(std::uint64_t& out);

  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

enum class HeaderDefect : std::uint8_t {
  none,
  short_header,     // or no QUIC at all: nothing can be found after it
  unknown_version,  // nor can its length be told
  retry,            // servers only send it, and alone
  cut,              // longer than what is there
  connection_id,    // over 20 octets
};

/// One long-header packet. The spans point into the datagram.
struct LongHeader {
  Version version = Version::none;
  const VersionTraits* traits = nullptr;
  PacketType type = PacketType::initial;
  std::span<const std::uint8_t> destination;
  std::span<const std::uint8_t> source;
  std::span<const std::uint8_t> packet;  // to the end that Length tells
  std::size_t packet_number_offset = 0;  // in `packet`
};

/// Reads the packet that `datagram` starts with.
[[nodiscard]] HeaderDefect read_long_header(std::span<const std::uint8_t> datagram,
                                            LongHeader& out);

/// What the keys of the Initial that `datagram` starts with are derived from; false where it starts
/// with none of a known version. The rest of it is not looked at.
[[nodiscard]] bool read_destination(std::span<const std::uint8_t> datagram,
                                    const VersionTraits*& traits,
                                    std::span<const std::uint8_t>& destination);

/// A cheap test of any UDP payload, on any port: whether an Initial packet of a known version
/// stands in it, first or behind other long-header packets. The tag of its payload is the proof.
[[nodiscard]] bool may_be_initial(std::span<const std::uint8_t> datagram);

/// Whether a client's first datagram may be of a version that is not known: what RFC 8999 section
/// 5.1 promises of every version, the fixed bit, and RFC 9000's lengths of datagram and ids.
/// False for Version Negotiation and the versions reserved to provoke it (section 15).
[[nodiscard]] bool may_be_unknown_version(std::span<const std::uint8_t> datagram);

}  // namespace sluice::inspect::quic
