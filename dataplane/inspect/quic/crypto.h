// The cryptography of Initial packets: keys that anyone can derive from a connection ID,
// AES-128-GCM for the payload and AES-128-ECB for the header. RFC 9001 sections 5.2 to 5.4.
//
// Thread safety: one Crypto a lcore. What its library keeps is made once: after create() nothing
// allocates.
//
// Intel's multi-buffer library does the AES where it exists (amd64): it takes in a new key in a
// fraction of OpenSSL's time, and almost every Initial has a new key. OpenSSL does it elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/inspect/quic/packet.h"
#include "dataplane/inspect/quic/version.h"

namespace sluice::inspect::quic {

/// The longest Initial packet that is opened: more than any datagram that is not a jumbogram.
inline constexpr std::size_t kMaxPacketOctets = 16 * 1024;
inline constexpr std::size_t kTagOctets = 16;
inline constexpr std::size_t kSampleOctets = 16;

enum class Side : std::uint8_t { client, server };

using AesBlock = std::array<std::uint8_t, 16>;

/// What protects one side's Initials.
struct Keys {
  AesBlock key;
  std::array<std::uint8_t, 12> iv;
  AesBlock header;
};

/// `destination`: of the client's first Initial, or of the first one after a Retry.
[[nodiscard]] Keys derive_keys(const VersionTraits& traits,
                               std::span<const std::uint8_t> destination, Side side);

/// The client's of several connections of one version, together in a fraction of the time.
/// As many `keys` as `destinations`.
void derive_client_keys(const VersionTraits& traits, std::span<const ConnectionId> destinations,
                        std::span<Keys> keys);

/// RFC 9001 section 5.3: the IV, with the packet number over its end.
[[nodiscard]] std::array<std::uint8_t, 12> make_nonce(const Keys& keys,
                                                      std::uint64_t packet_number);

class Crypto {
 public:
  /// Null where the library has no AES-128-GCM or AES-128-ECB on this machine.
  [[nodiscard]] static std::unique_ptr<Crypto> create();
  ~Crypto();

  /// One block of AES-128.
  [[nodiscard]] AesBlock encrypt(const AesBlock& key, std::span<const std::uint8_t, 16> block);

  /// The mask over the first octet and the packet number (RFC 9001 section 5.4.3).
  [[nodiscard]] std::array<std::uint8_t, 5> header_mask(
      const Keys& keys, std::span<const std::uint8_t, kSampleOctets> sample);

  /// What open() would make of a payload's first octets, a block of them at most. No tag is looked
  /// at: under keys that do not fit, these are any octets.
  [[nodiscard]] AesBlock peek(const Keys& keys, std::uint64_t packet_number,
                              std::span<const std::uint8_t> sealed);

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
  struct Engine;

  explicit Crypto(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
  std::array<std::uint8_t, kMaxPacketOctets> scratch_;
};

}  // namespace sluice::inspect::quic
