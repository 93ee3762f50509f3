// The Internet checksum (RFC 1071) over an IP pseudo-header and a transport segment.
//
// Thread safety: free functions; safe on the data path.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::packet {

/// Running one's-complement sum of bytes, to be continued or folded.
[[nodiscard]] std::uint32_t checksum_add(std::uint32_t sum, std::span<const std::uint8_t> bytes);

/// The 16-bit checksum, in host order, of a running sum.
[[nodiscard]] std::uint16_t checksum_fold(std::uint32_t sum);

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
