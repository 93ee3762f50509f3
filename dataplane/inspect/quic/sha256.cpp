// SHA256_Transform is deprecated in favour of what allocates; see hkdf.h.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/inspect/quic/sha256.h"

#include <algorithm>
#include <cassert>
#include <openssl/sha.h>

#include "dataplane/inspect/quic/derive_lanes.h"
#include "dataplane/packet/bytes.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace sluice::inspect::quic {

namespace sha256_portable {

void compress(std::span<Sha256State> states, std::span<const Sha256Block> blocks) {
  std::array<std::uint8_t, SHA256_CBLOCK> octets;
  SHA256_CTX context;
  for (std::size_t lane = 0; lane < states.size(); ++lane) {
    for (std::size_t i = 0; i < blocks[lane].size(); ++i) {
      packet::store32(&octets[4 * i], blocks[lane][i]);
    }
    std::copy(states[lane].begin(), states[lane].end(), context.h);
    SHA256_Transform(&context, octets.data());
    std::copy_n(context.h, states[lane].size(), states[lane].begin());
  }
}

}  // namespace sha256_portable

namespace {

/// One message alone takes less time in the library than in a lane.
void compress_elsewhere(std::span<Sha256State> states, std::span<const Sha256Block> blocks) {
  const LaneSet lanes = widest_lanes();
  if (states.size() > 1 && lanes != LaneSet::none) return compress_few(lanes, states, blocks);
  sha256_portable::compress(states, blocks);
}

#if defined(__x86_64__)
#define SLUICE_SHA_NI __attribute__((target("sha,sse4.1")))

bool has_sha_ni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0 &&
         __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) != 0;
}
const bool kShaNi = has_sha_ni();

__m128i load(const std::uint32_t* words) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(words));
}

/// The instructions want the words in two registers, as f e b a and h g d c from the lowest on.
template <std::size_t kLanes>
struct ShaNiStates {
  SLUICE_SHA_NI explicit ShaNiStates(std::span<const Sha256State> states) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const __m128i badc = _mm_shuffle_epi32(load(states[lane].data()), 0xb1);
      const __m128i hgfe = _mm_shuffle_epi32(load(states[lane].data() + 4), 0x1b);
      start[lane][0] = abef[lane] = _mm_alignr_epi8(badc, hgfe, 8);
      start[lane][1] = cdgh[lane] = _mm_blend_epi16(hgfe, badc, 0xf0);
    }
  }

  SLUICE_SHA_NI void four_rounds(std::size_t lane, __m128i words) {
    cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], words);
    abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], _mm_shuffle_epi32(words, 0x0e));
  }

  SLUICE_SHA_NI void finish(std::span<Sha256State> states) const {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef[lane], start[lane][0]), 0x1b);
      const __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh[lane], start[lane][1]), 0xb1);
      auto* out = reinterpret_cast<__m128i*>(states[lane].data());
      _mm_storeu_si128(out, _mm_blend_epi16(feba, dchg, 0xf0));
      _mm_storeu_si128(out + 1, _mm_alignr_epi8(dchg, feba, 8));
    }
  }

  __m128i abef[kLanes];
  __m128i cdgh[kLanes];
  __m128i start[kLanes][2];
};

template <std::size_t kLanes>
SLUICE_SHA_NI void compress_sha_ni(std::span<Sha256State> states,
                                   std::span<const Sha256Block> blocks) {
  ShaNiStates<kLanes> at(states);
  __m128i words[kLanes][4];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < 4; ++i) words[lane][i] = load(blocks[lane].data() + 4 * i);
  }
#pragma GCC unroll 16
  for (std::size_t four = 0; four < 16; ++four) {
    const __m128i constants = load(kSha256Rounds.data() + 4 * four);
#pragma GCC unroll 3
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      auto& w = words[lane];
      __m128i& next = w[four % 4];
      if (four >= 4) {
        const __m128i seven_ago = _mm_alignr_epi8(w[(four + 3) % 4], w[(four + 2) % 4], 4);
        next = _mm_add_epi32(_mm_sha256msg1_epu32(next, w[(four + 1) % 4]), seven_ago);
        next = _mm_sha256msg2_epu32(next, w[(four + 3) % 4]);
      }
      at.four_rounds(lane, _mm_add_epi32(next, constants));
    }
  }
  at.finish(states);
}

template <std::size_t kLanes>
SLUICE_SHA_NI void compress_sha_ni(std::span<Sha256State> states,
                                   std::span<const Sha256Constant* const> blocks) {
  ShaNiStates<kLanes> at(states);
#pragma GCC unroll 16
  for (std::size_t four = 0; four < 16; ++four) {
#pragma GCC unroll 3
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      at.four_rounds(lane, load(blocks[lane]->schedule().data() + 4 * four));
    }
  }
  at.finish(states);
}

template <class Blocks>
void dispatch(std::span<Sha256State> states, Blocks blocks) {
  assert(states.size() == blocks.size() && states.size() <= kMaxSha256Lanes);
  switch (states.size()) {
    case 1:
      return compress_sha_ni<1>(states, blocks);
    case 2:
      return compress_sha_ni<2>(states, blocks);
    case 3:
      return compress_sha_ni<3>(states, blocks);
    default:
      return;
  }
}

#endif

}  // namespace

bool has_sha_instructions() {
#if defined(__x86_64__)
  return kShaNi;
#else
  return false;
#endif
}

void sha256_compress(std::span<Sha256State> states, std::span<const Sha256Block> blocks) {
#if defined(__x86_64__)
  if (kShaNi) return dispatch(states, blocks);
#endif
  compress_elsewhere(states, blocks);
}

void sha256_compress(std::span<Sha256State> states, std::span<const Sha256Constant* const> blocks) {
#if defined(__x86_64__)
  if (kShaNi) return dispatch(states, blocks);
#endif
  std::array<Sha256Block, kMaxSha256Lanes> copies;
  for (std::size_t lane = 0; lane < blocks.size(); ++lane) copies[lane] = blocks[lane]->block();
  compress_elsewhere(states, std::span(copies).first(blocks.size()));
}

}  // namespace sluice::inspect::quic
