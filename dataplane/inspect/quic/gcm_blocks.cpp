#include "dataplane/inspect/quic/gcm_blocks.h"

#define SLUICE_VAES __attribute__((target("aes,avx2,pclmul,vaes,vpclmulqdq")))
#define SLUICE_VAES_INLINE SLUICE_VAES __attribute__((always_inline)) inline

namespace sluice::inspect::quic::gcm {
namespace {

SLUICE_VAES_INLINE __m256i load_pair(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}
SLUICE_VAES_INLINE __m128i fold(__m256i pair) {
  return _mm_xor_si128(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
}

}  // namespace

SLUICE_GCM void decrypt(Run& run, const __m128i* round_keys, const __m128i* powers) {
  const __m128i one = _mm_set_epi32(0, 0, 0, 1);
  for (; run.left >= kLanes * kBlockOctets; run.left -= kLanes * kBlockOctets) {
    __m128i states[kLanes];
#pragma GCC unroll 8
    for (__m128i& state : states) {
      run.counter = _mm_add_epi32(run.counter, one);
      state = _mm_xor_si128(turn(run.counter), round_keys[0]);
    }
    Sum sum{};
#pragma GCC unroll 9
    for (std::size_t round = 1; round < kRounds; ++round) {
      const __m128i round_key = round_keys[round];
#pragma GCC unroll 8
      for (__m128i& state : states) state = _mm_aesenc_si128(state, round_key);
      if (round > kLanes) continue;
      // The first waits for those before it: it comes last.
      const std::size_t at = kLanes - round;
      __m128i block = turn(load(run.from + at * kBlockOctets));
      if (at == 0) block = _mm_xor_si128(block, run.hash);
      add_product(sum, block, powers[at]);
    }
    run.hash = reduce(sum);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kLanes; ++i) {
      const __m128i over = _mm_aesenclast_si128(states[i], round_keys[kRounds]);
      store(run.out + i * kBlockOctets, _mm_xor_si128(over, load(run.from + i * kBlockOctets)));
    }
    run.from += kLanes * kBlockOctets;
    run.out += kLanes * kBlockOctets;
  }
}

SLUICE_VAES void decrypt_in_pairs(Run& run, const __m128i* round_keys, const __m128i* powers) {
  constexpr std::size_t kPairs = kLanes / 2;
  const __m256i turned = _mm256_broadcastsi128_si256(
      _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m256i two = _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2);
  __m256i keys[kRounds + 1];
  for (std::size_t i = 0; i <= kRounds; ++i) keys[i] = _mm256_broadcastsi128_si256(round_keys[i]);
  __m256i counter = _mm256_add_epi32(_mm256_broadcastsi128_si256(run.counter),
                                     _mm256_set_epi32(0, 0, 0, 0, 0, 0, 0, -1));
  for (; run.left >= kLanes * kBlockOctets; run.left -= kLanes * kBlockOctets) {
    __m256i states[kPairs];
#pragma GCC unroll 4
    for (__m256i& state : states) {
      counter = _mm256_add_epi32(counter, two);
      state = _mm256_xor_si256(_mm256_shuffle_epi8(counter, turned), keys[0]);
    }
    __m256i low = _mm256_setzero_si256();
    __m256i middle = low;
    __m256i high = low;
#pragma GCC unroll 9
    for (std::size_t round = 1; round < kRounds; ++round) {
#pragma GCC unroll 4
      for (__m256i& state : states) state = _mm256_aesenc_epi128(state, keys[round]);
      if (round > kPairs) continue;
      const std::size_t at = kPairs - round;
      __m256i block = _mm256_shuffle_epi8(load_pair(run.from + 2 * at * kBlockOctets), turned);
      if (at == 0) block = _mm256_xor_si256(block, _mm256_zextsi128_si256(run.hash));
      const __m256i power = load_pair(&powers[2 * at]);
      low = _mm256_xor_si256(low, _mm256_clmulepi64_epi128(block, power, 0x00));
      high = _mm256_xor_si256(high, _mm256_clmulepi64_epi128(block, power, 0x11));
      middle = _mm256_xor_si256(middle, _mm256_clmulepi64_epi128(block, power, 0x01));
      middle = _mm256_xor_si256(middle, _mm256_clmulepi64_epi128(block, power, 0x10));
    }
    run.hash = reduce({fold(low), fold(middle), fold(high)});
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kPairs; ++i) {
      const __m256i over = _mm256_aesenclast_epi128(states[i], keys[kRounds]);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(run.out) + i,
                          _mm256_xor_si256(over, load_pair(run.from + 2 * i * kBlockOctets)));
    }
    run.from += kLanes * kBlockOctets;
    run.out += kLanes * kBlockOctets;
  }
  run.counter = _mm256_extracti128_si256(counter, 1);
}

}  // namespace sluice::inspect::quic::gcm
