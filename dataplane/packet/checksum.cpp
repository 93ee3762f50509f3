#include "dataplane/packet/checksum.h"

#include <array>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "dataplane/packet/bytes.h"

namespace sluice::packet {

namespace {

// The words are added as this machine reads them, 32 bits at a time: the sum minds neither the
// order of the octets (RFC 1071 1.2 B) nor the width of the words (1.2 C).
std::uint64_t add_words(std::span<const std::uint8_t> bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t octets = bytes.size();
  std::uint64_t sum = 0;
#ifdef __SSE2__
  if (octets >= 64) {
    const __m128i low = _mm_set1_epi64x(0xffffffff);
    const auto add = [low](__m128i lanes, const std::uint8_t* block) {
      const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
      return _mm_add_epi64(lanes,
                           _mm_add_epi64(_mm_and_si128(words, low), _mm_srli_epi64(words, 32)));
    };
    __m128i lanes = _mm_setzero_si128();
    for (; octets >= 64; at += 64, octets -= 64) {
      lanes = add(add(add(add(lanes, at), at + 16), at + 32), at + 48);
    }
    for (; octets >= 16; at += 16, octets -= 16) lanes = add(lanes, at);
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), &lanes, sizeof lanes);
    sum = halves[0] + halves[1];
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
    at += 2;
  }
  if ((octets & 1) != 0) sum += *at;  // padded with a zero octet
  return sum;
}

}  // namespace

Sum checksum_add(Sum sum, std::span<const std::uint8_t> bytes) {
  return sum + turned(add_words(bytes));
}

void set_ipv4_checksum(std::uint8_t* ip) {
  store16(ip + 10, 0);
  store16(ip + 10, checksum_fold(checksum_add(0, {ip, 20})));
}

std::uint16_t transport_checksum(std::span<const std::uint8_t> addresses, std::uint8_t protocol,
                                 std::span<const std::uint8_t> segment) {
  const Sum pseudo = checksum_add(0, addresses) + protocol + segment.size();
  return checksum_fold(checksum_add(pseudo, segment));
}

ChecksumState tcp_checksum(std::span<const std::uint8_t> addresses,
                           std::span<const std::uint8_t> segment) {
  constexpr std::uint32_t kTcp = 6;
  const Sum pseudo = checksum_add(0, addresses) + kTcp + segment.size();
  if (checksum_fold(checksum_add(pseudo, segment)) == 0) return ChecksumState::good;
  const std::uint16_t stated = load16(&segment[16]);
  const auto left_to_card = static_cast<std::uint16_t>(~checksum_fold(pseudo));
  return stated == 0 || stated == left_to_card ? ChecksumState::partial : ChecksumState::bad;
}

}  // namespace sluice::packet
