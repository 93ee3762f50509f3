// Sixteen octets of a name at a time: lower case, and what stands where. With SSE2, which every
// amd64 has; elsewhere by a loop, which the tests compare.
//
// Thread safety: free functions; safe on the data path. RFC 4343 (case).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace sluice::name {

inline constexpr std::size_t kBlock = 16;

/// Stands for a dot inside a label of a key; no canonical name holds it.
inline constexpr char kDotInLabel = '\x01';

/// What a block of host text holds: a bit an octet.
struct HostOctets {
  std::uint32_t dots = 0;
  std::uint32_t others = 0;  // neither a dot nor one of [A-Za-z0-9_-]
};

constexpr char to_lower(char octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet - 'A' + 'a') : octet;
}
constexpr bool is_host_octet(char octet) {
  const char lower = to_lower(octet);
  return (lower >= 'a' && lower <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' ||
         octet == '_';
}

inline void copy_lower_portably(char* out, const char* in) {
  for (std::size_t i = 0; i < kBlock; ++i) out[i] = to_lower(in[i]);
}

inline void copy_without_dots_portably(char* out, const char* in) {
  for (std::size_t i = 0; i < kBlock; ++i) out[i] = in[i] == '.' ? kDotInLabel : in[i];
}

/// Whether the `octets` before `key` are what copy_without_dots() makes of those before `in`.
inline bool is_without_dots_portably(const char* key, const char* in, std::size_t octets) {
  for (; octets > 0; --octets) {
    const char octet = *--in == '.' ? kDotInLabel : *in;
    if (*--key != octet) return false;
  }
  return true;
}

inline HostOctets lower_host_portably(char* octets) {
  HostOctets found;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const std::uint32_t bit = std::uint32_t{1} << i;
    if (octets[i] == '.') {
      found.dots |= bit;
    } else if (!is_host_octet(octets[i])) {
      found.others |= bit;
    }
    octets[i] = to_lower(octets[i]);
  }
  return found;
}

#ifdef __SSE2__

/// All ones where first <= octet <= last.
inline __m128i is_between(__m128i octets, char first, char last) {
  // SSE2 compares signed octets only: `first` becomes the least of them.
  const __m128i moved = _mm_sub_epi8(octets, _mm_set1_epi8(static_cast<char>(first + 128)));
  return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(last - first + 1 - 128)));
}

inline __m128i lower(__m128i octets) {
  return _mm_or_si128(octets,
                      _mm_and_si128(is_between(octets, 'A', 'Z'), _mm_set1_epi8('a' - 'A')));
}

inline void copy_lower(char* out, const char* in) {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), lower(octets));
}

/// Of a label, any octet is legal (RFC 2181 section 11); a key has no dot but behind each label.
inline __m128i without_dots(const char* in) {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in));
  const __m128i dots = _mm_cmpeq_epi8(octets, _mm_set1_epi8('.'));
  const __m128i less = _mm_and_si128(dots, _mm_set1_epi8('.' - kDotInLabel));
  return _mm_sub_epi8(octets, less);
}

inline void copy_without_dots(char* out, const char* in) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), without_dots(in));
}

/// In whole blocks: so much is readable before both.
inline bool is_without_dots(const char* key, const char* in, std::size_t octets) {
  const auto differing = [&] {
    key -= kBlock;
    in -= kBlock;
    const __m128i there = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
    const __m128i equal = _mm_cmpeq_epi8(there, without_dots(in));
    return static_cast<std::uint32_t>(_mm_movemask_epi8(equal)) ^ 0xffffU;
  };
  for (; octets > kBlock; octets -= kBlock) {
    if (differing() != 0) return false;
  }
  return differing() >> (kBlock - octets) == 0;
}

/// Host text to lower case, in place.
inline HostOctets lower_host(char* octets) {
  auto* const at = reinterpret_cast<__m128i*>(octets);
  const __m128i small = lower(_mm_loadu_si128(at));
  const __m128i dots = _mm_cmpeq_epi8(small, _mm_set1_epi8('.'));
  const __m128i signs = _mm_or_si128(_mm_cmpeq_epi8(small, _mm_set1_epi8('-')),
                                     _mm_cmpeq_epi8(small, _mm_set1_epi8('_')));
  const __m128i letters = _mm_or_si128(is_between(small, 'a', 'z'), is_between(small, '0', '9'));
  const __m128i known = _mm_or_si128(_mm_or_si128(dots, signs), letters);
  _mm_storeu_si128(at, small);
  return {static_cast<std::uint32_t>(_mm_movemask_epi8(dots)),
          static_cast<std::uint32_t>(_mm_movemask_epi8(known)) ^ 0xffffU};
}

#else

inline void copy_lower(char* out, const char* in) { copy_lower_portably(out, in); }
inline void copy_without_dots(char* out, const char* in) { copy_without_dots_portably(out, in); }
inline bool is_without_dots(const char* key, const char* in, std::size_t octets) {
  return is_without_dots_portably(key, in, octets);
}
inline HostOctets lower_host(char* octets) { return lower_host_portably(octets); }

#endif

}  // namespace sluice::name
