#include "dataplane/inspect/quic/hkdf.h"

#include <algorithm>
#include <cassert>

namespace sluice::inspect::quic {
namespace {

Sha256Block digest_block(const Sha256State& digest) {
  Sha256Block block = kDigestBlock;
  std::copy(digest.begin(), digest.end(), block.begin());
  return block;
}

}  // namespace

HmacKey::HmacKey(std::span<const std::uint8_t> key) {
  assert(key.size() <= kSha256BlockOctets);
  Sha256Block block{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    block[i / 4] |= std::uint32_t{key[i]} << (24 - 8 * (i % 4));
  }
  take_in(block);
}

HmacKey::HmacKey(const Sha256State& key) {
  Sha256Block block{};
  std::copy(key.begin(), key.end(), block.begin());
  take_in(block);
}

void HmacKey::take_in(const Sha256Block& key) {
  std::array<Sha256State, 2> states = {kSha256Start, kSha256Start};
  std::array<Sha256Block, 2> blocks;
  for (std::size_t i = 0; i < key.size(); ++i) {
    blocks[0][i] = key[i] ^ kInnerPad;
    blocks[1][i] = key[i] ^ kOuterPad;
  }
  sha256_compress(states, blocks);
  inner_ = states[0];
  outer_ = states[1];
}

void HmacKey::finish(std::span<Sha256State> inner) const {
  std::array<Sha256Block, kMaxSha256Lanes> blocks;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    blocks[i] = digest_block(inner[i]);
    inner[i] = outer_;
  }
  sha256_compress(inner, std::span(blocks).first(inner.size()));
}

Sha256State HmacKey::sign(std::span<const std::uint8_t> message) const {
  assert(message.size() <= kMaxHmacMessage);
  std::array<Sha256State, 1> state = {inner_};
  const std::array<Sha256Block, 1> block = {last_block(message)};
  sha256_compress(state, block);
  finish(state);
  return state[0];
}

HmacKeyPair::HmacKeyPair(const std::array<Sha256State, 2>& keys)
    : inner_{kSha256Start, kSha256Start}, outer_(inner_) {
  const auto take_in = [&keys](std::uint32_t pad, std::array<Sha256State, 2>& states) {
    std::array<Sha256Block, 2> blocks;
    for (std::size_t key = 0; key < keys.size(); ++key) {
      blocks[key].fill(pad);
      for (std::size_t i = 0; i < keys[key].size(); ++i) blocks[key][i] ^= keys[key][i];
    }
    sha256_compress(states, blocks);
  };
  take_in(kInnerPad, inner_);
  take_in(kOuterPad, outer_);
}

std::array<Sha256State, 2> HmacKeyPair::finish(const std::array<Sha256State, 2>& inner) const {
  std::array<Sha256State, 2> states = outer_;
  sha256_compress(states, std::array{digest_block(inner[0]), digest_block(inner[1])});
  return states;
}

std::array<Sha256State, 2> HmacKeyPair::sign(const std::array<Sha256Block, 2>& messages) const {
  std::array<Sha256State, 2> states = inner_;
  sha256_compress(states, messages);
  return finish(states);
}

std::array<Sha256State, 2> HmacKeyPair::sign(const Sha256Constant& message) const {
  std::array<Sha256State, 2> states = inner_;
  sha256_compress(states, std::array{&message, &message});
  return finish(states);
}

}  // namespace sluice::inspect::quic
