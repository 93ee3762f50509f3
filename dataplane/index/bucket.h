// One cache line of the index: ten slots of a 16-bit tag and a place, and what spares a probe the
// next line and the next label.
//
// Thread safety: written while the index is built, constant afterwards.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace sluice::index {

/// The parts of a suffix's hash, all of different bits; the upper 32 choose the bucket.
[[nodiscard]] constexpr std::uint16_t tag_of(std::uint64_t hash) {
  const auto tag = static_cast<std::uint16_t>(hash);
  return tag == 0 ? 1 : tag;  // 0 is an empty slot
}
/// Its bit of Bucket::spilled, and of Bucket::deeper.
[[nodiscard]] constexpr unsigned spill_bit(std::uint64_t hash) { return hash >> 16 & 15; }
[[nodiscard]] constexpr unsigned deeper_bit(std::uint64_t hash) { return hash >> 20 & 15; }

struct alignas(64) Bucket {
  static constexpr unsigned kSlots = 10;

  std::array<std::uint16_t, kSlots> tags;
  std::uint16_t spilled;  // a suffix of that bit had its place here, and went to the next bucket
  std::uint16_t deeper;   // something is listed below a suffix of that bit
  std::array<std::int32_t, kSlots> where;

  [[nodiscard]] bool may_have_spilled(std::uint64_t hash) const {
    return (spilled >> spill_bit(hash) & 1) != 0;
  }
  [[nodiscard]] bool may_be_deeper(std::uint64_t hash) const {
    return (deeper >> deeper_bit(hash) & 1) != 0;
  }
  void note_spilled(std::uint64_t hash) {
    spilled = static_cast<std::uint16_t>(spilled | 1U << spill_bit(hash));
  }
  void note_deeper(std::uint64_t hash) {
    deeper = static_cast<std::uint16_t>(deeper | 1U << deeper_bit(hash));
  }

  /// The first slot with this tag; kSlots where there is none.
  [[nodiscard]] unsigned find(std::uint16_t tag) const {
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
    const auto* const at = reinterpret_cast<const char*>(tags.data());
    const __m128i first = _mm_load_si128(reinterpret_cast<const __m128i*>(at));
    std::int32_t two;
    std::memcpy(&two, at + 16, sizeof two);
    const __m128i last = _mm_cvtsi32_si128(two);
    const __m128i equal =
        _mm_packs_epi16(_mm_cmpeq_epi16(first, wanted), _mm_cmpeq_epi16(last, wanted));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(equal)) & ((1U << kSlots) - 1);
    return static_cast<unsigned>(std::countr_zero(found | 1U << kSlots));
#else
    return find_portably(tag);
#endif
  }

  [[nodiscard]] unsigned find_portably(std::uint16_t tag) const {
    unsigned slot = 0;
    while (slot < kSlots && tags[slot] != tag) ++slot;
    return slot;
  }
};
static_assert(sizeof(Bucket) == 64);

}  // namespace sluice::index
