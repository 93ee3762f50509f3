#include "dataplane/inspect/quic/derive_lanes.h"

#include <cassert>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {

static_assert(kFewLanes >= kMaxSha256Lanes);

#if defined(__x86_64__)

namespace {

/// The words of a message that a connection ID and its closing bit lie in.
constexpr std::size_t kDestinationWords = kMaxConnectionIdOctets / 4 + 1;

namespace avx2 {
#define SLUICE_LANES [[gnu::target("avx2")]]
template <class Words>
SLUICE_LANES inline Words majority(Words a, Words b, Words c) {
  return (a & b) | (c & (a | b));
}
#include "dataplane/inspect/quic/derive_lanes.inc"
#undef SLUICE_LANES
}  // namespace avx2

namespace avx512 {
#define SLUICE_LANES [[gnu::target("avx512f,avx512vl")]]
/// Each bit of the three together tells which bit of this number is its place's.
constexpr int kMajority = 0xe8;
template <class Words>
SLUICE_LANES inline Words majority(Words a, Words b, Words c) {
  if constexpr (sizeof(Words) == sizeof(__m512i)) {
    return reinterpret_cast<Words>(
        _mm512_ternarylogic_epi32(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b),
                                  reinterpret_cast<__m512i>(c), kMajority));
  } else if constexpr (sizeof(Words) == sizeof(__m256i)) {
    return reinterpret_cast<Words>(
        _mm256_ternarylogic_epi32(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b),
                                  reinterpret_cast<__m256i>(c), kMajority));
  } else {
    return reinterpret_cast<Words>(_mm_ternarylogic_epi32(reinterpret_cast<__m128i>(a),
                                                          reinterpret_cast<__m128i>(b),
                                                          reinterpret_cast<__m128i>(c), kMajority));
  }
}
#include "dataplane/inspect/quic/derive_lanes.inc"
#undef SLUICE_LANES
}  // namespace avx512

const LaneSet kWidest = has_lanes(LaneSet::avx512) ? LaneSet::avx512
                        : has_lanes(LaneSet::avx2) ? LaneSet::avx2
                                                   : LaneSet::none;

}  // namespace

bool has_lanes(LaneSet set) {
  switch (set) {
    case LaneSet::none:
      return true;
    case LaneSet::avx2:
      return __builtin_cpu_supports("avx2") != 0;
    case LaneSet::avx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  }
  return false;
}

LaneSet widest_lanes() { return kWidest; }

void derive_in_lanes(LaneSet set, const LaneLabels& labels,
                     std::span<const ConnectionId> destinations, std::span<Keys> keys) {
  assert(set != LaneSet::none && destinations.size() <= lanes_of(set));
  if (set == LaneSet::avx2) return avx2::derive<8>(labels, destinations, keys);
  // Half as many take four fifths of the time.
  if (destinations.size() <= 8) return avx512::derive<8>(labels, destinations, keys);
  avx512::derive<16>(labels, destinations, keys);
}

void compress_few(LaneSet set, std::span<Sha256State> states, std::span<const Sha256Block> blocks) {
  assert(set != LaneSet::none && states.size() <= kFewLanes);
  if (set == LaneSet::avx2) return avx2::compress_few(states, blocks);
  avx512::compress_few(states, blocks);
}

#else

bool has_lanes(LaneSet set) { return set == LaneSet::none; }
LaneSet widest_lanes() { return LaneSet::none; }
void derive_in_lanes(LaneSet, const LaneLabels&, std::span<const ConnectionId>, std::span<Keys>) {}
void compress_few(LaneSet, std::span<Sha256State>, std::span<const Sha256Block>) {}

#endif

std::size_t lanes_of(LaneSet set) {
  switch (set) {
    case LaneSet::none:
      return 1;
    case LaneSet::avx2:
      return 8;
    case LaneSet::avx512:
      return 16;
  }
  return 1;
}

}  // namespace sluice::inspect::quic
