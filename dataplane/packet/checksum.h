// The Internet checksum (RFC 1071) over an IP pseudo-header and a transport segment.
//
// Thread safety: free functions; safe on the data path.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace sluice::packet {

/// A one's-complement sum of big-endian words that goes on, not folded: whatever is congruent to it
/// modulo 65,535 serves. Takes the octets of 2^14 datagrams before it overflows.
using Sum = std::uint64_t;

[[nodiscard]] Sum checksum_add(Sum sum, std::span<const std::uint8_t> bytes);

/// The sum of the same octets one place further, where they are halves of other words: the words'
/// octets change places, which is a multiplication by 256 (RFC 1071 1.2 B). Of a Sum below 2^56.
[[nodiscard]] constexpr Sum turned(Sum sum) { return sum << 8; }

/// The 16-bit checksum, in host order, of a sum. A value and its turned one together have their
/// halves' sum in the upper half, with what the lower one carried.
[[nodiscard]] inline std::uint16_t checksum_fold(Sum sum) {
  const auto words = static_cast<std::uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<std::uint16_t>(~((words + std::rotl(words, 16)) >> 16));
}

/// Writes the header checksum of an IPv4 header without options.
void set_ipv4_checksum(std::uint8_t* ip);

/// Whether a whole IPv4 header, with its options, says what its checksum says.
[[nodiscard]] inline bool has_good_ipv4_checksum(std::span<const std::uint8_t> header) {
  return checksum_fold(checksum_add(0, header)) == 0;
}

/// The checksum of a UDP or TCP segment whose own checksum field is zero. `addresses`: source and
/// destination as they stand in the IP header (8 or 32 octets).
[[nodiscard]] std::uint16_t transport_checksum(std::span<const std::uint8_t> addresses,
                                               std::uint8_t protocol,
                                               std::span<const std::uint8_t> segment);

/// What the checksum of a TCP segment says of it.
enum class ChecksumState : std::uint8_t {
  good,
  partial,  // only the pseudo-header's sum, or none: a sender on this machine left it to its card
  bad,      // the receiver drops the segment
};
[[nodiscard]] ChecksumState tcp_checksum(std::span<const std::uint8_t> addresses,
                                         std::span<const std::uint8_t> segment);

}  // namespace sluice::packet
