// The SHA256_ functions are deprecated in favour of what allocates; see the header.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dataplane/inspect/quic/hkdf.h"

namespace sluice::inspect::quic {

HmacKey::HmacKey(std::span<const std::uint8_t> key) {
  std::array<std::uint8_t, SHA256_CBLOCK> block;
  block.fill(0x36);
  for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  SHA256_Init(&inner_);
  SHA256_Update(&inner_, block.data(), block.size());
  for (std::uint8_t& octet : block) octet ^= 0x36 ^ 0x5c;
  SHA256_Init(&outer_);
  SHA256_Update(&outer_, block.data(), block.size());
}

Digest HmacKey::sign(std::span<const std::uint8_t> message) const {
  Digest digest;
  SHA256_CTX context = inner_;
  SHA256_Update(&context, message.data(), message.size());
  SHA256_Final(digest.data(), &context);
  context = outer_;
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace sluice::inspect::quic
