// The cryptography of Initial packets: keys that anyone can derive from a connection ID,
// AES-128-GCM for the payload and AES-128-ECB for the header. RFC 9001 sections 5.2 to 5.4.
//
// Thread safety: one Crypto a lcore. Its OpenSSL objects are made once: after create() nothing
// allocates.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <span>

#include "dataplane/inspect/quic/version.h"

namespace sluice::inspect::quic {

/// The longest Initial packet that is opened: more than any datagram that is not a jumbogram.
inline constexpr std::size_t kMaxPacketOctets = 16 * 1024;
inline constexpr std::size_t kTagOctets = 16;
inline constexpr std::size_t kSampleOctets = 16;

enum class Side : std::uint8_t { client, server };

/// What protects one side's Initials.
struct Keys {
  std::array<std::uint8_t, 16> key;
  std::array<std::uint8_t, 12> iv;
  std::array<std::uint8_t, 16> header;
};

/// `destination`: of the client's first Initial, or of the first one after a Retry.
[[nodiscard]] Keys derive_keys(const VersionTraits& traits,
                               std::span<const std::uint8_t> destination, Side side);

class Crypto {
 public:
  /// Null where this OpenSSL has no AES-128-GCM or AES-128-ECB.
  [[nodiscard]] static std::unique_ptr<Crypto> create();

  /// The mask over the first octet and the packet number (RFC 9001 section 5.4.3).
  [[nodiscard]] std::array<std::uint8_t, 5> header_mask(
      const Keys& keys, std::span<const std::uint8_t, kSampleOctets> sample);

  /// Decrypts `sealed`, its tag last, into `out`, which takes sealed.size() - kTagOctets; false if
  /// the tag does not fit, and then `out` holds nothing of use.
  [[nodiscard]] bool open(const Keys& keys, std::uint64_t packet_number,
                          std::span<const std::uint8_t> header,
                          std::span<const std::uint8_t> sealed, std::uint8_t* out);

  /// Encrypts `plain` into `out`, which takes kTagOctets more.
  [[nodiscard]] bool seal(const Keys& keys, std::uint64_t packet_number,
                          std::span<const std::uint8_t> header, std::span<const std::uint8_t> plain,
                          std::uint8_t* out);

  /// Room for one packet, for whoever holds this Crypto.
  [[nodiscard]] std::span<std::uint8_t, kMaxPacketOctets> scratch() { return scratch_; }

 private:
  struct Free {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  Crypto() = default;

  std::unique_ptr<EVP_CIPHER, Free> gcm_;
  std::unique_ptr<EVP_CIPHER, Free> ecb_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> opener_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> sealer_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> masker_;
  std::array<std::uint8_t, kMaxPacketOctets> scratch_;
};

}  // namespace sluice::inspect::quic
