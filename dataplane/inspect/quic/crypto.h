// The cryptography of Initial packets: AES-128-GCM for the payload and AES-128-ECB for the header.
// RFC 9001 sections 5.3 and 5.4.
//
// Thread safety: one Crypto a lcore. What its library keeps is made once: after create() nothing
// allocates.
//
// Where Intel's multi-buffer library exists (amd64), GcmAesNi opens packets, or that library on
// processors without AES-NI: they take in a new key in a fraction of OpenSSL's time, and almost
// every Initial has a new key. OpenSSL does it elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "dataplane/inspect/quic/client_keys.h"
#include "dataplane/inspect/quic/keys.h"

namespace sluice::inspect::quic {

/// The longest Initial packet that is opened: more than any datagram that is not a jumbogram.
inline constexpr std::size_t kMaxPacketOctets = 16 * 1024;
inline constexpr std::size_t kTagOctets = 16;
inline constexpr std::size_t kSampleOctets = 16;

/// `octets`: a block of them.
inline void apply_xor(AesBlock& block, const std::uint8_t* octets) {
  std::array<std::uint64_t, 2> halves;
  std::array<std::uint64_t, 2> others;
  std::memcpy(halves.data(), block.data(), block.size());
  std::memcpy(others.data(), octets, block.size());
  halves[0] ^= others[0];
  halves[1] ^= others[1];
  std::memcpy(block.data(), halves.data(), block.size());
}

class Crypto {
 public:
  /// Null where the library has no AES-128-GCM or AES-128-ECB on this machine.
  [[nodiscard]] static std::unique_ptr<Crypto> create();
  ~Crypto();

  /// One block of AES-128.
  [[nodiscard]] AesBlock encrypt(const AesBlock& key, std::span<const std::uint8_t, 16> block);

  /// A block, in its place, and the key for it.
  struct Block {
    const AesBlock* key;
    AesBlock octets;
  };
  static constexpr std::size_t kMaxBlocks = 4;
  /// At most kMaxBlocks, which do not wait for each other.
  void encrypt(std::span<Block> blocks);

  /// Whose first five octets are the mask over the first octet and the packet number (RFC 9001
  /// section 5.4.3).
  [[nodiscard]] AesBlock header_mask(const Keys& keys,
                                     std::span<const std::uint8_t, kSampleOctets> sample) {
    return encrypt(keys.header, sample);
  }

  /// The block that, encrypted under the key, lies over a payload's first octets: what open() would
  /// make of them can be seen before. No tag is looked at: under keys that do not fit, these are
  /// any octets.
  [[nodiscard]] static AesBlock first_counter(const Keys& keys, std::uint64_t packet_number);

  /// header_mask(), and takes these keys in, for open() under them, in little more time.
  [[nodiscard]] AesBlock begin(const Keys& keys,
                               std::span<const std::uint8_t, kSampleOctets> sample);

  /// Decrypts `sealed`, its tag last, into `out`, which takes as many octets, under the keys of the
  /// last begin(); false if the tag does not fit, and then `out` holds nothing of use.
  [[nodiscard]] bool open(std::uint64_t packet_number, std::span<const std::uint8_t> header,
                          std::span<const std::uint8_t> sealed, std::uint8_t* out);

  /// Encrypts `plain` into `out`, which takes kTagOctets more.
  [[nodiscard]] bool seal(const Keys& keys, std::uint64_t packet_number,
                          std::span<const std::uint8_t> header, std::span<const std::uint8_t> plain,
                          std::uint8_t* out);

  /// Room for one packet, for whoever holds this Crypto.
  [[nodiscard]] std::span<std::uint8_t, kMaxPacketOctets> scratch() { return scratch_; }

  [[nodiscard]] ClientKeys& client_keys() { return client_keys_; }

 private:
  struct Engine;

  explicit Crypto(std::unique_ptr<Engine> engine);

  std::unique_ptr<Engine> engine_;
  Keys keys_{};  // of the last begin()
  ClientKeys client_keys_;
  std::array<std::uint8_t, kMaxPacketOctets> scratch_;
};

}  // namespace sluice::inspect::quic
