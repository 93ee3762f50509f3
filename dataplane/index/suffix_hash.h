// A keyed hash of a name's suffixes, which grows label by label, so that all suffixes of a name
// together cost one pass over it.
//
// The octets are the coefficients of a polynomial in three secret variables, seven octets each,
// modulo the prime 2^61 - 1. Each label begins with its length, so different suffixes are different
// polynomials, and two of degree n agree at no more than a share of n / 2^58 of all points
// (Schwartz and Zippel); a multiplication by a secret odd number spreads what comes out
// (Dietzfelbinger). Whoever does not know the key cannot choose names that collide. It is drawn
// anew for every index and leaves the process in no form. 21 octets go at once, which is most
// names' last two labels: a branch that goes either way costs more than the multiplications.
//
// Thread safety: plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "config/name/folded_name.h"

namespace sluice::index {

class SuffixHash {
 public:
  /// All bits random.
  struct Key {
    std::array<std::uint64_t, 3> point{};
    std::uint64_t multiplier = 0;
  };
  /// What a suffix has come to; extend() makes the longer one's of it.
  using State = std::uint64_t;
  static constexpr State kRoot = 1;

  SuffixHash() = default;
  explicit SuffixHash(const Key& key) : key_(key) {
    for (std::uint64_t& one : key_.point) one &= kPointBits;
    key_.multiplier |= 1;
  }

  /// Adds the next label to the left: its length octet and its octets, as in a FoldedName. The two
  /// rightmost labels may be added as one run of octets, and mostly are.
  /// name::FoldedName::kReadable octets from there are read; what lies behind is of no account.
  [[nodiscard]] State extend(State state, const char* at, std::size_t octets) const {
    for (; octets > kStepOctets; at += kStepOctets, octets -= kStepOctets) {
      state = step(state, at, kStepOctets);
    }
    return step(state, at, octets);
  }

  /// The hash proper: bits that are fit to choose a place by.
  [[nodiscard]] std::uint64_t finish(State state) const {
    const std::uint64_t product = state * key_.multiplier;
    return product ^ product >> 32;
  }

 private:
  static constexpr std::size_t kChunk = 7;
  static constexpr std::size_t kStepOctets = 3 * kChunk;
  static constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;
  // Three bits less than the prime has: one folding then keeps every state under 2^62.
  static constexpr std::uint64_t kPointBits = (std::uint64_t{1} << 58) - 1;

  /// What remains of the three chunks of a step of so many octets.
  static constexpr auto kMasks = [] {
    std::array<std::array<std::uint64_t, 4>, kStepOctets + 1> masks{};
    for (std::size_t octets = 0; octets <= kStepOctets; ++octets) {
      for (std::size_t i = 0; i < octets; ++i) {
        masks[octets][i / kChunk] |= std::uint64_t{0xff} << i % kChunk * 8;
      }
    }
    return masks;
  }();

  static_assert(kStepOctets + 1 <= name::FoldedName::kReadable);

  static std::uint64_t load(const char* at) {
    std::uint64_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }

  // 22 octets are read.
  [[nodiscard]] State step(State state, const char* at, std::size_t octets) const {
    __extension__ using Wide = unsigned __int128;
    const auto& masks = kMasks[octets];
    const Wide sum = Wide{state + (load(at) & masks[0])} * key_.point[0] +
                     Wide{load(at + kChunk) & masks[1]} * key_.point[1] +
                     Wide{load(at + 2 * kChunk) & masks[2]} * key_.point[2];
    return (static_cast<std::uint64_t>(sum) & kPrime) + static_cast<std::uint64_t>(sum >> 61);
  }

  Key key_;
};

}  // namespace sluice::index
