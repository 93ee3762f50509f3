// HMAC-SHA-256 as HKDF uses it here (RFC 2104, RFC 5869): a key is taken in once and then serves
// any number of short messages, each of which is two blocks of SHA-256.
//
// Thread safety: plain values. Nothing allocates, unlike OpenSSL 3.0's EVP_Digest and EVP_MAC,
// which do so at each start.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/inspect/quic/sha256.h"

namespace sluice::inspect::quic {

inline constexpr std::size_t kSha256BlockOctets = 64;
/// As many octets as fit in a block beside its closing bit and its length (FIPS 180-4
/// section 5.1.1).
inline constexpr std::size_t kMaxHmacMessage = kSha256BlockOctets - 9;

/// What such a block ends with: the bits of the whole message.
constexpr std::uint32_t last_word(std::size_t octets) {
  return static_cast<std::uint32_t>(8 * (kSha256BlockOctets + octets));
}

/// The last block of a message, which holds `octets`, behind another one: an HMAC's inner hash
/// first takes in the key's block. At most kMaxHmacMessage.
constexpr Sha256Block last_block(std::span<const std::uint8_t> octets) {
  Sha256Block block{};
  const auto put = [&block](std::size_t at, std::uint32_t octet) {
    block[at / 4] |= octet << (24 - 8 * (at % 4));
  };
  for (std::size_t i = 0; i < octets.size(); ++i) put(i, octets[i]);
  put(octets.size(), 0x80);
  block.back() = last_word(octets.size());
  return block;
}

/// What HMAC puts over its key (RFC 2104 section 2), four octets of it.
inline constexpr std::uint32_t kInnerPad = 0x36363636;
inline constexpr std::uint32_t kOuterPad = 0x5c5c5c5c;

/// The last block of the outer hash, whose message is a digest: what stands behind that.
inline constexpr Sha256Block kDigestBlock = last_block(std::array<std::uint8_t, 32>{});

class HmacKey {
 public:
  /// `key`: at most kSha256BlockOctets.
  explicit HmacKey(std::span<const std::uint8_t> key);
  /// A digest as the key.
  explicit HmacKey(const Sha256State& key);

  /// `message`: at most kMaxHmacMessage octets.
  [[nodiscard]] Sha256State sign(std::span<const std::uint8_t> message) const;
  /// Several at once; each message is the last_block() of its octets.
  template <std::size_t kCount>
  [[nodiscard]] std::array<Sha256State, kCount> sign(
      const std::array<const Sha256Constant*, kCount>& messages) const {
    std::array<Sha256State, kCount> states;
    states.fill(inner_);
    sha256_compress(states, messages);
    finish(states);
    return states;
  }

  /// The states of SHA-256 once it has the key under each pad.
  [[nodiscard]] const Sha256State& inner() const { return inner_; }
  [[nodiscard]] const Sha256State& outer() const { return outer_; }

 private:
  void take_in(const Sha256Block& key);
  void finish(std::span<Sha256State> inner) const;

  Sha256State inner_;
  Sha256State outer_;
};

/// Two keys, each with a message of its own: where the processor has SHA instructions, those of one
/// message wait for each other as long as another's take.
class HmacKeyPair {
 public:
  explicit HmacKeyPair(const HmacKey& both)
      : inner_{both.inner(), both.inner()}, outer_{both.outer(), both.outer()} {}
  /// Digests as the keys.
  explicit HmacKeyPair(const std::array<Sha256State, 2>& keys);

  /// Each message is the last_block() of its octets.
  [[nodiscard]] std::array<Sha256State, 2> sign(const std::array<Sha256Block, 2>& messages) const;
  [[nodiscard]] std::array<Sha256State, 2> sign(const Sha256Constant& message) const;

 private:
  [[nodiscard]] std::array<Sha256State, 2> finish(const std::array<Sha256State, 2>& inner) const;

  std::array<Sha256State, 2> inner_;
  std::array<Sha256State, 2> outer_;
};

}  // namespace sluice::inspect::quic
