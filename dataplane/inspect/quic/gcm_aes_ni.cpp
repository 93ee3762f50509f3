#include "dataplane/inspect/quic/gcm_aes_ni.h"

#include <algorithm>
#include <cpuid.h>
#include <cstring>
#include <utility>

#include "dataplane/inspect/quic/expand_key.h"
#include "dataplane/inspect/quic/gcm_blocks.h"

namespace sluice::inspect::quic {
namespace {

using namespace gcm;

constexpr std::size_t kTailLanes = 4;  // as few as do not wait for each other

/// The hash key times x: the product of two turned blocks stands one bit too low, which this makes
/// up for once.
SLUICE_GCM_INLINE __m128i double_key(__m128i key) {
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1);
  constexpr int kTopWord = 0xff;
  const __m128i carries = _mm_srli_epi64(key, 63);
  const __m128i top = _mm_srai_epi32(_mm_shuffle_epi32(key, kTopWord), 31);
  const __m128i doubled = _mm_or_si128(_mm_slli_epi64(key, 1), _mm_slli_si128(carries, 8));
  return _mm_xor_si128(doubled, _mm_and_si128(top, polynomial));
}

/// From any place in it on: a block of ones, or the places of a block's octets, between such as
/// make zeros.
constexpr auto kOnes = [] {
  std::array<std::uint8_t, 2 * kBlockOctets> ones{};
  std::fill_n(ones.begin(), kBlockOctets, 0xff);
  return ones;
}();
constexpr auto kPlaces = [] {
  std::array<std::uint8_t, 2 * kBlockOctets> places;
  places.fill(0x80);
  for (std::size_t i = 0; i < kBlockOctets; ++i) places[i] = static_cast<std::uint8_t>(i);
  return places;
}();

/// A block's first octets, zeros behind them, where there is a whole block to read.
SLUICE_GCM_INLINE __m128i load_front(const std::uint8_t* octets, std::size_t count) {
  return _mm_and_si128(load(octets), load(&kOnes[kBlockOctets - count]));
}
/// The last octets, fewer than a block, of these.
SLUICE_GCM_INLINE __m128i load_end(std::span<const std::uint8_t> octets, std::size_t count) {
  if (octets.size() >= kBlockOctets) {
    return _mm_shuffle_epi8(load(octets.last<kBlockOctets>().data()),
                            load(&kPlaces[kBlockOctets - count]));
  }
  std::array<std::uint8_t, kBlockOctets> padded{};
  std::copy(octets.end() - static_cast<std::ptrdiff_t>(count), octets.end(), padded.begin());
  return load(padded.data());
}
/// The first counter: 1 behind the nonce.
SLUICE_GCM_INLINE __m128i load_nonce(const std::array<std::uint8_t, 12>& nonce) {
  std::uint64_t front;
  std::uint32_t back;
  std::memcpy(&front, nonce.data(), sizeof front);
  std::memcpy(&back, nonce.data() + sizeof front, sizeof back);
  return _mm_set_epi64x(static_cast<long long>(back | std::uint64_t{1} << 56),
                        static_cast<long long>(front));
}

}  // namespace

bool GcmAesNi::has_pairs() {
  // Not every compiler knows these bits of ECX by name.
  constexpr unsigned kVaes = 1U << 9;
  constexpr unsigned kVpclmulqdq = 1U << 10;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __builtin_cpu_supports("avx2") != 0 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 &&
         (c & kVaes) != 0 && (c & kVpclmulqdq) != 0;
}

bool GcmAesNi::works_here() {
  return __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0 &&
         __builtin_cpu_supports("avx") != 0;
}

SLUICE_GCM AesBlock GcmAesNi::begin(const Keys& keys, std::span<const std::uint8_t, 16> sample) {
  __m128i key = load(keys.key.data());
  __m128i header_key = load(keys.header.data());
  round_keys_[0] = key;
  __m128i hash_key = key;  // the block of zeros, enciphered
  __m128i mask = _mm_xor_si128(load(sample.data()), header_key);
  [&]<int... kRound>(std::integer_sequence<int, kRound...>) SLUICE_GCM {
    const auto do_round = [&](std::size_t round, int constant) SLUICE_GCM {
      key = expand_key(key, constant);
      header_key = expand_key(header_key, constant);
      round_keys_[round] = key;
      const bool last = round == kRounds;
      hash_key = last ? _mm_aesenclast_si128(hash_key, key) : _mm_aesenc_si128(hash_key, key);
      mask = last ? _mm_aesenclast_si128(mask, header_key) : _mm_aesenc_si128(mask, header_key);
    };
    (do_round(kRound + 1, kRoundConstants[kRound]), ...);
  }
  (std::make_integer_sequence<int, static_cast<int>(kRounds)>());

  // No power waits for more than three others.
  const auto power = [this](std::size_t of) -> __m128i& { return powers_[kPowers - of]; };
  const __m128i first = double_key(turn(hash_key));
  const __m128i second = multiply(first, first);
  const __m128i fourth = multiply(second, second);
  power(1) = first;
  power(2) = second;
  power(3) = multiply(second, first);
  power(4) = fourth;
  power(5) = multiply(fourth, first);
  power(6) = multiply(fourth, second);
  power(7) = multiply(fourth, power(3));
  power(8) = multiply(fourth, fourth);
  power(9) = multiply(fourth, power(5));
  AesBlock octets;
  store(octets.data(), mask);
  return octets;
}

SLUICE_GCM bool GcmAesNi::open(const std::array<std::uint8_t, 12>& nonce,
                               std::span<const std::uint8_t> header,
                               std::span<const std::uint8_t> octets, std::uint8_t* out) const {
  // Counters are the blocks' last four octets, the highest first: turned, their first word.
  __m128i counter = turn(load_nonce(nonce));
  const __m128i tag_counter = counter;
  const __m128i one = _mm_set_epi32(0, 0, 0, 1);
  const auto next_state = [&]() SLUICE_GCM {
    counter = _mm_add_epi32(counter, one);
    return _mm_xor_si128(turn(counter), round_keys_[0]);
  };

  __m128i hash = _mm_setzero_si128();
  for (std::size_t at = 0; at < header.size();) {
    const std::size_t left = header.size() - at;
    const std::size_t blocks = std::min((left + kBlockOctets - 1) / kBlockOctets, kPowers);
    Sum sum{};
    for (std::size_t i = kPowers - blocks; i < kPowers; ++i, at += kBlockOctets) {
      const __m128i block =
          turn(at + kBlockOctets <= header.size() ? load(&header[at])
                                                  : load_end(header, header.size() - at));
      add_product(sum, _mm_xor_si128(block, hash), powers_[i]);
      hash = _mm_setzero_si128();
    }
    hash = reduce(sum);
  }

  Run run{counter, hash, octets.data(), out, octets.size()};
  (in_pairs_ ? decrypt_in_pairs : decrypt)(run, round_keys_, &powers_[kPowers - kLanes]);
  counter = run.counter;
  hash = run.hash;
  out = run.out;
  const std::uint8_t* from = run.from;
  std::size_t left = run.left;

  // The rest, in the last lane what masks the tag, and behind what is hashed the lengths.
  const std::size_t blocks = (left + kBlockOctets - 1) / kBlockOctets;
  __m128i over[kLanes + kTailLanes];
  for (std::size_t at = 0; at <= blocks; at += kTailLanes) {
    __m128i states[kTailLanes];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kTailLanes; ++i) {
      states[i] =
          at + i == blocks ? _mm_xor_si128(turn(tag_counter), round_keys_[0]) : next_state();
    }
#pragma GCC unroll 9
    for (std::size_t round = 1; round < kRounds; ++round) {
#pragma GCC unroll 4
      for (__m128i& state : states) state = _mm_aesenc_si128(state, round_keys_[round]);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < kTailLanes; ++i) {
      over[at + i] = _mm_aesenclast_si128(states[i], round_keys_[kRounds]);
    }
  }
  Sum sum{};
  for (std::size_t i = 0; i < blocks; ++i, left -= std::min(left, kBlockOctets)) {
    const std::uint8_t* octets_at = from + i * kBlockOctets;
    const __m128i block = load_front(octets_at, std::min(left, kBlockOctets));
    store(out + i * kBlockOctets, _mm_xor_si128(over[i], block));
    add_product(sum, i == 0 ? _mm_xor_si128(turn(block), hash) : turn(block),
                powers_[kPowers - 1 - blocks + i]);
  }
  const __m128i lengths = _mm_set_epi64x(static_cast<long long>(header.size() * 8),
                                         static_cast<long long>(octets.size() * 8));
  add_product(sum, blocks == 0 ? _mm_xor_si128(lengths, hash) : lengths, powers_[kPowers - 1]);
  const __m128i tag = _mm_xor_si128(turn(reduce(sum)), over[blocks]);
  const __m128i differs = _mm_xor_si128(tag, load(octets.data() + octets.size()));
  // Anyone can derive these keys: there is nothing to be learnt from the time that this takes.
  return _mm_testz_si128(differs, differs) != 0;
}

}  // namespace sluice::inspect::quic
