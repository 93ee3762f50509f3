// Opens one Initial packet under keys that may fit: unmasks its header, guesses its packet number,
// decrypts. RFC 9001 sections 5.3 and 5.4; RFC 9000 section 17.1 and appendix A.3.
//
// Thread safety: a plain value of one lcore, as the Crypto is.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>

#include "dataplane/inspect/quic/crypto.h"
#include "dataplane/inspect/quic/frames.h"
#include "dataplane/inspect/quic/initial.h"
#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {

/// How likely it is that a set of keys is the packet's.
enum class Chance : std::uint8_t { slight, good };

static_assert(kMaxOrigins <= Crypto::kMaxBlocks);

/// One Initial packet under the keys that may open it. Its header, then its payload, are laid into
/// the Crypto's scratch.
class Opener {
 public:
  Opener(Crypto& crypto, const LongHeader& header)
      : crypto_(crypto),
        packet_(header.packet),
        number_at_(header.packet_number_offset),
        dialect_(header.traits->dialect),
        scratch_(crypto.scratch().data()) {}

  /// Whether it is long enough to hold a sample, and short enough for the scratch.
  [[nodiscard]] bool fits() const {
    return packet_.size() >= number_at_ + kMaxPacketNumberOctets + kSampleOctets &&
           packet_.size() <= kMaxPacketOctets;
  }

  /// Which of the origins of these bits have keys that fit the payload's first octets. Most of the
  /// time these begin no frame, and to decrypt and authenticate the whole is ten times as much
  /// work.
  [[nodiscard]] std::uint8_t sift(const std::array<Origin, kMaxOrigins>& origins,
                                  std::uint8_t which) {
    std::array<Crypto::Block, kMaxOrigins> blocks;
    std::array<const Origin*, kMaxOrigins> of;
    std::size_t count = 0;
    for (unsigned left = which; left != 0; left &= left - 1) {
      const Origin& origin = origins[static_cast<std::size_t>(std::countr_zero(left))];
      of[count] = &origin;
      blocks[count].key = &origin.keys.header;
      std::copy_n(sample().begin(), kSampleOctets, blocks[count++].octets.begin());
    }
    crypto_.encrypt(std::span(blocks).first(count));
    std::array<Unmasked, kMaxOrigins> unmasked;
    for (std::size_t i = 0; i < count; ++i) {
      unmasked[i] = unmask(blocks[i].octets);
      blocks[i] = {&of[i]->keys.key,
                   Crypto::first_counter(of[i]->keys, unmasked[i].first_number(*of[i]))};
    }
    crypto_.encrypt(std::span(blocks).first(count));
    unsigned fit = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (begins_frames(blocks[i].octets, unmasked[i]) ||
          (unmasked[i].may_be_others(*of[i]) && other_begins_frames(*of[i], unmasked[i]))) {
        fit |= 1U << (of[i] - origins.data());
      }
    }
    return static_cast<std::uint8_t>(fit);
  }

  [[nodiscard]] bool open(Origin& origin, Chance chance) {
    const Unmasked unmasked = unmask(crypto_.begin(origin.keys, sample()));
    const std::size_t payload_at = number_at_ + unmasked.octets;
    std::memcpy(scratch_, packet_.data(), number_at_);
    scratch_[0] = unmasked.first;
    for (std::size_t i = 0; i < unmasked.octets; ++i) {
      scratch_[number_at_ + i] =
          static_cast<std::uint8_t>(unmasked.number >> (8 * (unmasked.octets - 1 - i)));
    }
    const Numbers numbers(origin, unmasked);
    for (std::size_t i = 0; i < numbers.count; ++i) {
      if (chance == Chance::slight && !begins_frames(origin, unmasked, numbers.all[i])) continue;
      if (open(origin, payload_at, numbers.all[i])) return true;
    }
    return false;
  }

  [[nodiscard]] std::span<const std::uint8_t> payload() const { return payload_; }

 private:
  static constexpr std::size_t kMaxPacketNumberOctets = 4;
  /// Initials of one range are no further from each other.
  static constexpr std::uint64_t kNumberRange = 64;

  /// RFC 9000 appendix A.3.
  static std::uint64_t whole_packet_number(std::uint64_t truncated, std::size_t octets,
                                           std::uint64_t expected) {
    const std::uint64_t window = std::uint64_t{1} << (8 * octets);
    const std::uint64_t candidate = (expected & ~(window - 1)) | truncated;
    if (candidate + window / 2 <= expected) return candidate + window;
    if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
    return candidate;
  }

  /// What stands under the header's protection.
  struct Unmasked {
    std::uint8_t first;    // the header's first octet
    std::uint8_t octets;   // of the packet number
    std::uint32_t number;  // as it is sent, without its upper octets

    [[nodiscard]] std::uint64_t whole(std::uint64_t expected) const {
      return whole_packet_number(number, octets, expected);
    }
    /// Of the packet numbers that it may mean, one.
    [[nodiscard]] std::uint64_t first_number(const Origin& origin) const {
      return origin.number_count == 0 ? number : whole(origin.numbers[0]);
    }
    [[nodiscard]] bool may_be_others(const Origin& origin) const {
      return origin.number_count > 1 || first_number(origin) != number;
    }
  };

  /// The packet numbers that it may mean: as a server that took any of the packets before, or none,
  /// which counts from 0.
  struct Numbers {
    Numbers(const Origin& origin, const Unmasked& unmasked) {
      for (std::size_t i = 0; i < origin.number_count; ++i) add(unmasked.whole(origin.numbers[i]));
      add(unmasked.number);
    }
    void add(std::uint64_t number) {
      if (std::find(all.begin(), all.begin() + count, number) == all.begin() + count) {
        all[count++] = number;
      }
    }

    std::size_t count = 0;
    std::array<std::uint64_t, std::tuple_size_v<decltype(Origin::numbers)> + 1> all;
  };

  static void note_number(Origin& origin, std::uint64_t next) {
    auto& numbers = origin.numbers;
    for (std::size_t i = 0; i < origin.number_count; ++i) {
      const std::uint64_t apart = numbers[i] > next ? numbers[i] - next : next - numbers[i];
      if (apart > kNumberRange) continue;
      numbers[i] = std::max(numbers[i], next);
      return;
    }
    if (origin.number_count < numbers.size()) ++origin.number_count;
    numbers[origin.number_count - 1] = next;
  }

  [[nodiscard]] std::span<const std::uint8_t, kSampleOctets> sample() const {
    return packet_.subspan(number_at_ + kMaxPacketNumberOctets).first<kSampleOctets>();
  }

  [[nodiscard]] Unmasked unmask(const AesBlock& mask) const {
    const auto first = static_cast<std::uint8_t>(packet_[0] ^ (mask[0] & 0x0f));
    const auto octets = static_cast<std::uint8_t>((first & 3U) + 1);
    return {first, octets,
            (packet::load32(&packet_[number_at_]) ^ packet::load32(&mask[1])) >>
                (8 * (kMaxPacketNumberOctets - octets))};
  }

  /// `over`: the first counter, encrypted.
  [[nodiscard]] bool begins_frames(AesBlock over, const Unmasked& unmasked) const {
    const auto sealed = packet_.subspan(number_at_ + unmasked.octets);
    const std::size_t octets = std::min(sealed.size() - kTagOctets, over.size());
    // A tag lies behind them: there is a block to read.
    apply_xor(over, sealed.data());
    return may_begin_frames(std::span(over).first(octets), dialect_);
  }
  [[nodiscard]] bool begins_frames(const Origin& origin, const Unmasked& unmasked,
                                   std::uint64_t number) {
    return begins_frames(
        crypto_.encrypt(origin.keys.key, Crypto::first_counter(origin.keys, number)), unmasked);
  }
  [[nodiscard]] bool other_begins_frames(const Origin& origin, const Unmasked& unmasked) {
    const Numbers numbers(origin, unmasked);
    return std::any_of(
        numbers.all.begin() + 1, numbers.all.begin() + numbers.count,
        [&](std::uint64_t number) { return begins_frames(origin, unmasked, number); });
  }

  bool open(Origin& origin, std::size_t payload_at, std::uint64_t number) {
    const auto sealed = packet_.subspan(payload_at);
    if (!crypto_.open(number, {scratch_, payload_at}, sealed, scratch_ + payload_at)) {
      return false;
    }
    note_number(origin, number + 1);
    payload_ = {scratch_ + payload_at, sealed.size() - kTagOctets};
    return true;
  }

  Crypto& crypto_;
  std::span<const std::uint8_t> packet_;
  std::size_t number_at_;
  Dialect dialect_;
  std::uint8_t* scratch_;
  std::span<const std::uint8_t> payload_;
};

}  // namespace sluice::inspect::quic
