// HMAC-SHA-256 as HKDF uses it (RFC 2104, RFC 5869): a key is taken in once and then serves any
// number of messages.
//
// Thread safety: plain values. Nothing allocates, unlike OpenSSL 3.0's EVP_Digest and EVP_MAC,
// which do so at each start.
#pragma once

#include <array>
#include <cstdint>
#include <openssl/sha.h>
#include <span>

namespace sluice::inspect::quic {

using Digest = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

class HmacKey {
 public:
  /// `key`: at most SHA256_CBLOCK octets.
  explicit HmacKey(std::span<const std::uint8_t> key);
  [[nodiscard]] Digest sign(std::span<const std::uint8_t> message) const;

 private:
  SHA256_CTX inner_;
  SHA256_CTX outer_;
};

}  // namespace sluice::inspect::quic
