#include <algorithm>
#include <utility>

#include "dataplane/inspect/quic/crypto.h"
#include "dataplane/inspect/quic/hkdf.h"

namespace sluice::inspect::quic {
namespace {

constexpr HkdfInfo kClientSecret("client in", 32);
constexpr HkdfInfo kServerSecret("server in", 32);

/// The salts never change: they are taken in once.
const HmacKey& salt_key(const VersionTraits& traits) {
  static const auto keys = []<std::size_t... kAt>(std::index_sequence<kAt...>) {
    return std::array{HmacKey(all_version_traits()[kAt].salt)...};
  }
  (std::make_index_sequence<kVersionTraits>());
  return keys[static_cast<std::size_t>(&traits - all_version_traits().data())];
}

}  // namespace

Keys derive_keys(const VersionTraits& traits, std::span<const std::uint8_t> destination,
                 Side side) {
  const Digest initial = salt_key(traits).sign(destination);
  const HkdfInfo& label = side == Side::client ? kClientSecret : kServerSecret;
  const HmacKey secret(HmacKey(initial).sign(label.octets()));
  const Digest key = secret.sign(traits.key.octets());
  const Digest iv = secret.sign(traits.iv.octets());
  const Digest header = secret.sign(traits.header.octets());
  Keys keys;
  std::copy_n(key.begin(), keys.key.size(), keys.key.begin());
  std::copy_n(iv.begin(), keys.iv.size(), keys.iv.begin());
  std::copy_n(header.begin(), keys.header.size(), keys.header.begin());
  return keys;
}

std::array<std::uint8_t, 12> make_nonce(const Keys& keys, std::uint64_t packet_number) {
  std::array<std::uint8_t, 12> nonce = keys.iv;
  for (std::size_t i = nonce.size(); packet_number != 0; packet_number >>= 8) {
    nonce[--i] ^= static_cast<std::uint8_t>(packet_number);
  }
  return nonce;
}

}  // namespace sluice::inspect::quic
