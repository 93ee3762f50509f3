#include "dataplane/packet/checksum.h"

#include <algorithm>
#include <array>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "dataplane/packet/bytes.h"

namespace sluice::packet {

namespace {

// The words are added as this machine reads them: the sum does not mind the order of the octets
// (RFC 1071 1.2 B), and is turned once. Of the `octets`, whole words only.
std::uint64_t sum_words(const std::uint8_t* at, std::size_t octets) {
  std::uint64_t sum = 0;
#ifdef __SSE2__
  if (octets >= 64) {
    // A lane of 32 bits takes 65,537 words; a part brings it 4,096.
    const __m128i zero = _mm_setzero_si128();
    __m128i even = zero;
    __m128i odd = zero;
    for (; octets >= 16; at += 16, octets -= 16) {
      const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
      even = _mm_add_epi32(even, _mm_unpacklo_epi16(words, zero));
      odd = _mm_add_epi32(odd, _mm_unpackhi_epi16(words, zero));
    }
    std::array<std::uint32_t, 8> lanes;
    std::memcpy(lanes.data(), &even, sizeof even);
    std::memcpy(&lanes[4], &odd, sizeof odd);
    for (const std::uint32_t lane : lanes) sum += lane;
  }
#endif
  for (; octets >= 8; at += 8, octets -= 8) {
    std::uint64_t words;
    std::memcpy(&words, at, sizeof words);
    sum += (words & 0xffffffff) + (words >> 32);
  }
  if ((octets & 4) != 0) {
    std::uint32_t words;
    std::memcpy(&words, at, sizeof words);
    sum += words;
    at += 4;
  }
  if ((octets & 2) != 0) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
  }
  return sum;
}

}  // namespace

std::uint32_t checksum_add(std::uint32_t sum, std::span<const std::uint8_t> bytes) {
  std::uint64_t words = 0;
  constexpr std::size_t kPart = 65536;  // as much as sum_words() takes at once
  const std::size_t whole = bytes.size() & ~std::size_t{1};
  for (std::size_t at = 0; at < whole; at += kPart) {
    words += sum_words(&bytes[at], std::min(kPart, whole - at));
  }
  if (whole < bytes.size()) words += bytes[whole];  // padded with a zero octet
  words = (words & 0xffffffff) + (words >> 32);
  while (words >> 16 != 0) words = (words & 0xffff) + (words >> 16);
  const std::uint64_t total =
      std::uint64_t{sum} + __builtin_bswap16(static_cast<std::uint16_t>(words));
  return static_cast<std::uint32_t>((total & 0xffff) + (total >> 16));
}

std::uint16_t checksum_fold(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set_ipv4_checksum(std::uint8_t* ip) {
  store16(ip + 10, 0);
  store16(ip + 10, checksum_fold(checksum_add(0, {ip, 20})));
}

std::uint16_t transport_checksum(std::span<const std::uint8_t> addresses, std::uint8_t protocol,
                                 std::span<const std::uint8_t> segment) {
  std::uint32_t sum = checksum_add(0, addresses);
  sum += protocol;
  sum += static_cast<std::uint32_t>(segment.size());
  return checksum_fold(checksum_add(sum, segment));
}

ChecksumState tcp_checksum(std::span<const std::uint8_t> addresses,
                           std::span<const std::uint8_t> segment) {
  constexpr std::uint32_t kTcp = 6;
  const std::uint32_t pseudo =
      checksum_add(0, addresses) + kTcp + static_cast<std::uint32_t>(segment.size());
  if (checksum_fold(checksum_add(pseudo, segment)) == 0) return ChecksumState::good;
  const std::uint16_t stated = load16(&segment[16]);
  const auto left_to_card = static_cast<std::uint16_t>(~checksum_fold(pseudo));
  return stated == 0 || stated == left_to_card ? ChecksumState::partial : ChecksumState::bad;
}

}  // namespace sluice::packet
