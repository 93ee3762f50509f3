// What GcmAesNi is made of, for its own files: blocks, GHASH, and the loop over a packet's blocks,
// which there is twice. NIST SP 800-38D.
#pragma once

#include <cstddef>
#include <cstdint>
#include <immintrin.h>

#define SLUICE_GCM __attribute__((target("aes,avx,pclmul")))
#define SLUICE_GCM_INLINE SLUICE_GCM __attribute__((always_inline)) inline

namespace sluice::inspect::quic::gcm {

inline constexpr std::size_t kBlockOctets = 16;
inline constexpr std::size_t kRounds = 10;  // of AES-128
inline constexpr std::size_t kLanes = 8;    // AESENC answers after four cycles and takes one or two

SLUICE_GCM_INLINE __m128i load(const std::uint8_t* octets) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(octets));
}
SLUICE_GCM_INLINE void store(std::uint8_t* octets, __m128i block) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(octets), block);
}
/// GHASH counts a block's bits from its first octet's highest (SP 800-38D section 6.3), the
/// processor from its last octet's: what is multiplied stands the other way round.
SLUICE_GCM_INLINE __m128i turn(__m128i block) {
  return _mm_shuffle_epi8(block,
                          _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

/// A sum of products that was not reduced: 256 bits, of which `middle` lies over the inner half.
struct Sum {
  __m128i low;
  __m128i middle;
  __m128i high;
};

SLUICE_GCM_INLINE void add_product(Sum& sum, __m128i block, __m128i power) {
  sum.low = _mm_xor_si128(sum.low, _mm_clmulepi64_si128(block, power, 0x00));
  sum.high = _mm_xor_si128(sum.high, _mm_clmulepi64_si128(block, power, 0x11));
  sum.middle = _mm_xor_si128(sum.middle, _mm_clmulepi64_si128(block, power, 0x01));
  sum.middle = _mm_xor_si128(sum.middle, _mm_clmulepi64_si128(block, power, 0x10));
  // In this order: compilers keep all products, on the stack, to sum them up at the end.
  asm("" : "+x"(sum.low), "+x"(sum.middle), "+x"(sum.high));
}

/// By x^128 + x^127 + x^126 + x^121 + 1, as the turned bits have it, from below, 64 bits at a time
/// (Gueron and Kounavis, "Intel Carry-Less Multiplication Instruction and its Usage for Computing
/// the GCM Mode").
SLUICE_GCM_INLINE __m128i reduce(const Sum& sum) {
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1);
  constexpr int kSwapHalves = 0x4e;
  __m128i low = _mm_xor_si128(sum.low, _mm_slli_si128(sum.middle, 8));
  const __m128i high = _mm_xor_si128(sum.high, _mm_srli_si128(sum.middle, 8));
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    const __m128i folded = _mm_clmulepi64_si128(low, polynomial, 0x10);
    low = _mm_xor_si128(_mm_shuffle_epi32(low, kSwapHalves), folded);
  }
  return _mm_xor_si128(high, low);
}

SLUICE_GCM_INLINE __m128i multiply(__m128i a, __m128i b) {
  Sum sum{};
  add_product(sum, a, b);
  return reduce(sum);
}

/// Where a packet's blocks are.
struct Run {
  __m128i counter;  // of the block before, turned
  __m128i hash;
  const std::uint8_t* from;
  std::uint8_t* out;
  std::size_t left;  // octets
};

/// Deciphers and hashes eight blocks at a time, as long as there are eight. `powers`: of the hash
/// key, from the eighth to the first.
void decrypt(Run& run, const __m128i* round_keys, const __m128i* powers);
/// The same, two blocks a register: for processors with AVX2, VAES and VPCLMULQDQ.
void decrypt_in_pairs(Run& run, const __m128i* round_keys, const __m128i* powers);

}  // namespace sluice::inspect::quic::gcm
