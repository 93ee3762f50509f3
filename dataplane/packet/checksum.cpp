#include "dataplane/packet/checksum.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "dataplane/packet/bytes.h"

namespace sluice::packet {

namespace {

using Words = unsigned long long;

Words load_words(const std::uint8_t* at) {
  Words words;
  std::memcpy(&words, at, sizeof words);
  return words;
}

#ifdef __SSE2__

// In fewer steps than a carry takes. Words less 2^15 fit the signed ones that are multiplied and
// added in pairs, here by 1; so much is added again for each. A lane does not overflow before 2^14
// blocks.
constexpr std::size_t kBlock = 16;
constexpr std::size_t kMostBlocks = 4096;

std::uint64_t add_blocks(const std::uint8_t* at, std::size_t blocks) {
  const __m128i half = _mm_set1_epi16(INT16_MIN);
  const __m128i one = _mm_set1_epi16(1);
  __m128i even = _mm_setzero_si128();
  __m128i odd = _mm_setzero_si128();
  const auto add = [&](__m128i& sum) {
    const __m128i words = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_xor_si128(words, half), one));
    at += kBlock;
  };
  const std::int64_t bias = static_cast<std::int64_t>(blocks) * (kBlock / 2) << 15;
  for (; blocks >= 2; blocks -= 2) {
    add(even);
    add(odd);
  }
  if (blocks != 0) add(even);
  std::array<std::int32_t, 8> lanes;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&lanes[0]), even);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&lanes[4]), odd);
  return static_cast<std::uint64_t>(std::accumulate(lanes.begin(), lanes.end(), bias));
}

#endif

// The words are added as this machine reads them, 64 bits at a time, a carry going round to the
// front: the sum minds neither the order of the octets (RFC 1071 1.2 B) nor the width of the words
// (1.2 C).
std::uint64_t add_words(std::span<const std::uint8_t> bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t octets = bytes.size();
  std::uint64_t before = 0;
#ifdef __SSE2__
  while (octets >= 4 * kBlock) {
    const std::size_t blocks = std::min(octets / kBlock, kMostBlocks);
    before += add_blocks(at, blocks);
    at += blocks * kBlock;
    octets -= blocks * kBlock;
  }
#endif
  Words wide = 0;
  for (; octets >= 8; at += 8, octets -= 8) {
    const Words words = load_words(at);
    wide += words;
    wide += wide < words ? 1 : 0;
  }
  std::uint64_t sum = before + (wide & 0xffffffff) + (wide >> 32);
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
