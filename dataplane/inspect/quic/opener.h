// Opens one Initial packet under keys that may fit: unmasks its header, guesses its packet number,
// decrypts. RFC 9001 sections 5.3 and 5.4; RFC 9000 section 17.1 and appendix A.3.
//
// Thread safety: a plain value of one lcore, as the Crypto is.
#pragma once

#include <algorithm>
#include <array>
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
    std::array<std::uint8_t, kMaxOrigins> indices;
    std::size_t count = 0;
    for (std::uint8_t i = 0; which >> i != 0; ++i) {
      if ((which >> i & 1) == 0) continue;
      blocks[count].key = &origins[i].keys.header;
      std::copy_n(sample().begin(), kSampleOctets, blocks[count].octets.begin());
      indices[count++] = i;
    }
    crypto_.encrypt(std::span(blocks).first(count));
    std::array<Numbers, kMaxOrigins> numbers;
    for (std::size_t i = 0; i < count; ++i) {
      const Origin& origin = origins[indices[i]];
      unmask(origin, blocks[i].octets, numbers[i]);
      blocks[i] = {&origin.keys.key, Crypto::first_counter(origin.keys, numbers[i].numbers[0])};
    }
    crypto_.encrypt(std::span(blocks).first(count));
    std::uint8_t fit = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Origin& origin = origins[indices[i]];
      bool fits = begins_frames(blocks[i].octets, numbers[i]);
      for (std::size_t at = 1; at < numbers[i].count && !fits; ++at) {
        fits = begins_frames(origin, numbers[i], at);
      }
      if (fits) fit |= static_cast<std::uint8_t>(1U << indices[i]);
    }
    return fit;
  }

  [[nodiscard]] bool open(Origin& origin, Chance chance) {
    Numbers numbers;
    unmask(origin, crypto_.begin(origin.keys, sample()), numbers);
    const std::size_t payload_at = number_at_ + numbers.octets;
    std::memcpy(scratch_, packet_.data(), number_at_);
    scratch_[0] = numbers.first;
    for (std::size_t i = 0; i < numbers.octets; ++i) {
      scratch_[number_at_ + i] =
          static_cast<std::uint8_t>(numbers.truncated >> (8 * (numbers.octets - 1 - i)));
    }
    for (std::size_t i = 0; i < numbers.count; ++i) {
      if (chance == Chance::slight && !begins_frames(origin, numbers, i)) continue;
      if (open(origin, payload_at, numbers.numbers[i])) return true;
    }
    return false;
  }

  [[nodiscard]] std::span<const std::uint8_t> payload() const { return payload_; }

 private:
  static constexpr std::size_t kMaxPacketNumberOctets = 4;
  /// Initials of one range are no further from each other.
  static constexpr std::uint64_t kNumberRange = 64;

  /// What stands under the header's protection, and the packet numbers that it may mean.
  struct Numbers {
    std::uint8_t first;  // the header's first octet
    std::uint8_t octets;
    std::uint32_t truncated;
    std::size_t count = 0;
    /// As a server that took any of the packets before, or none, which counts from 0.
    std::array<std::uint64_t, std::tuple_size_v<decltype(Origin::numbers)> + 1> numbers;
  };

  /// RFC 9000 appendix A.3.
  static std::uint64_t whole_packet_number(std::uint64_t truncated, std::size_t octets,
                                           std::uint64_t expected) {
    const std::uint64_t window = std::uint64_t{1} << (8 * octets);
    const std::uint64_t candidate = (expected & ~(window - 1)) | truncated;
    if (candidate + window / 2 <= expected) return candidate + window;
    if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
    return candidate;
  }

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

  void unmask(const Origin& origin, const AesBlock& mask, Numbers& out) const {
    out.first = static_cast<std::uint8_t>(packet_[0] ^ (mask[0] & 0x0f));
    out.octets = (out.first & 3U) + 1;
    out.truncated = (packet::load32(&packet_[number_at_]) ^ packet::load32(&mask[1])) >>
                    (8 * (kMaxPacketNumberOctets - out.octets));
    const auto add = [&out](std::uint64_t number) {
      for (std::size_t i = 0; i < out.count; ++i) {
        if (out.numbers[i] == number) return;
      }
      out.numbers[out.count++] = number;
    };
    for (std::size_t i = 0; i < origin.number_count; ++i) {
      add(whole_packet_number(out.truncated, out.octets, origin.numbers[i]));
    }
    add(out.truncated);
  }

  /// `over`: the first counter, encrypted.
  [[nodiscard]] bool begins_frames(AesBlock over, const Numbers& numbers) const {
    const auto sealed = packet_.subspan(number_at_ + numbers.octets);
    const std::size_t octets = std::min(sealed.size() - kTagOctets, over.size());
    // A tag lies behind them: there is a block to read.
    apply_xor(over, sealed.data());
    return may_begin_frames(std::span(over).first(octets), dialect_);
  }
  [[nodiscard]] bool begins_frames(const Origin& origin, const Numbers& numbers, std::size_t at) {
    return begins_frames(
        crypto_.encrypt(origin.keys.key, Crypto::first_counter(origin.keys, numbers.numbers[at])),
        numbers);
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
