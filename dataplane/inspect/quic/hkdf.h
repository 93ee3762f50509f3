// HMAC-SHA-256 as HKDF uses it here (RFC 2104, RFC 5869): a key is taken in once and then serves
// any number of short messages, each of which is two blocks of SHA-256.
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

/// As many octets as fit in a block beside its closing bit and its length (FIPS 180-4
/// section 5.1.1).
inline constexpr std::size_t kMaxHmacMessage = SHA256_CBLOCK - 9;

class HmacKey {
 public:
  /// `key`: at most SHA256_CBLOCK octets.
  explicit HmacKey(std::span<const std::uint8_t> key);
  /// `message`: at most kMaxHmacMessage octets.
  [[nodiscard]] Digest sign(std::span<const std::uint8_t> message) const;

 private:
  SHA256_CTX inner_;
  SHA256_CTX outer_;
};

}  // namespace sluice::inspect::quic
