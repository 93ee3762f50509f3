// A step of the key expansion of AES-128 (FIPS 197 section 5.2) for those who do it beside the
// rounds, so that it takes no time of its own.
#pragma once

#include <array>
#include <immintrin.h>

namespace sluice::inspect::quic {

inline constexpr std::array<int, 10> kRoundConstants = {0x01, 0x02, 0x04, 0x08, 0x10,
                                                        0x20, 0x40, 0x80, 0x1b, 0x36};

/// The round key behind this one. AESENCLAST of a column that is in every place, rotated, is
/// SubWord() of it: ShiftRows() moves nothing then. What is summed up over the columns is shifted
/// by the arithmetic units as far as they can: there is one only that moves octets.
__attribute__((target("aes,avx"), always_inline)) inline __m128i expand_key(__m128i key,
                                                                            int constant) {
  const __m128i rotated_last = _mm_set1_epi32(0x0c0f0e0d);
  const __m128i second_to_upper =
      _mm_set_epi8(7, 6, 5, 4, 7, 6, 5, 4, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m128i word =
      _mm_aesenclast_si128(_mm_shuffle_epi8(key, rotated_last), _mm_set1_epi32(constant));
  key = _mm_xor_si128(key, _mm_slli_epi64(key, 32));
  key = _mm_xor_si128(key, _mm_shuffle_epi8(key, second_to_upper));
  return _mm_xor_si128(key, word);
}

}  // namespace sluice::inspect::quic
