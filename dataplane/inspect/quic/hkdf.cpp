// The SHA256_ functions are deprecated in favour of what allocates; see the header.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/inspect/quic/hkdf.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {
namespace {

using Block = std::array<std::uint8_t, SHA256_CBLOCK>;

/// The digest of the key's block, which `state` has taken in, and of a message in one block more.
Digest finish(const SHA256_CTX& state, std::span<const std::uint8_t> message) {
  Block block{};
  std::copy(message.begin(), message.end(), block.begin());
  block[message.size()] = 0x80;
  packet::store16(block.data() + block.size() - 2,
                  static_cast<std::uint16_t>(8 * (SHA256_CBLOCK + message.size())));
  SHA256_CTX context;
  std::copy_n(state.h, 8, context.h);
  SHA256_Transform(&context, block.data());
  Digest digest;
  for (std::size_t i = 0; i < 8; ++i) packet::store32(digest.data() + 4 * i, context.h[i]);
  return digest;
}

}  // namespace

HmacKey::HmacKey(std::span<const std::uint8_t> key) {
  assert(key.size() <= SHA256_CBLOCK);
  Block block;
  block.fill(0x36);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  SHA256_Init(&inner_);
  SHA256_Transform(&inner_, block.data());
  for (std::uint8_t& octet : block) octet ^= 0x36 ^ 0x5c;
  SHA256_Init(&outer_);
  SHA256_Transform(&outer_, block.data());
}

Digest HmacKey::sign(std::span<const std::uint8_t> message) const {
  assert(message.size() <= kMaxHmacMessage);
  return finish(outer_, finish(inner_, message));
}

}  // namespace sluice::inspect::quic
