#include "dataplane/inspect/quic/keys.h"

#include <algorithm>
#include <utility>

#include "dataplane/inspect/quic/crypto.h"
#include "dataplane/inspect/quic/derive_lanes.h"
#include "dataplane/inspect/quic/hkdf.h"
#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {
namespace {

constexpr HkdfInfo kClientSecret("client in", 32);
constexpr HkdfInfo kServerSecret("server in", 32);

/// The salts never change: they are taken in once, before anything is derived.
const auto kSaltKeys = []<std::size_t... kAt>(std::index_sequence<kAt...>) {
  return std::array{HmacKey(all_version_traits()[kAt].salt)...};
}
(std::make_index_sequence<kVersionTraits>());

const HmacKey& salt_key(const VersionTraits& traits) {
  return kSaltKeys[static_cast<std::size_t>(&traits - all_version_traits().data())];
}

/// The first octets of a digest, of which HKDF-Expand wants no more than one.
void store(const Sha256State& digest, std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < out.size() / 4; ++i) packet::store32(&out[4 * i], digest[i]);
}

/// Where the processor has SHA instructions, one derivation takes as long as a tenth of sixteen in
/// lanes do: they have to be nearly full, and be sixteen.
constexpr std::size_t kLeastBesideShaNi = 12;

bool pays(LaneSet set, std::size_t count) {
  if (!has_sha_instructions()) return set != LaneSet::none && count > 1;
  return set == LaneSet::avx512 && count >= kLeastBesideShaNi;
}

}  // namespace

Keys derive_keys(const VersionTraits& traits, std::span<const std::uint8_t> destination,
                 Side side) {
  const HmacKey initial(salt_key(traits).sign(destination));
  const HkdfInfo& label = side == Side::client ? kClientSecret : kServerSecret;
  const HmacKey secret(initial.sign(std::array{&label.message()})[0]);
  const auto [key, iv, header] = secret.sign(
      std::array{&traits.key.message(), &traits.iv.message(), &traits.header.message()});
  Keys keys;
  store(key, keys.key);
  store(iv, keys.iv);
  store(header, keys.header);
  return keys;
}

LaneLabels client_labels(const VersionTraits& traits) {
  return {salt_key(traits),
          kClientSecret.message(),
          {&traits.key.message(), &traits.iv.message(), &traits.header.message()}};
}

void derive_client_keys(const VersionTraits& traits, std::span<const ConnectionId> destinations,
                        std::span<Keys> keys) {
  const LaneSet set = widest_lanes();
  const LaneLabels labels = client_labels(traits);
  while (!destinations.empty()) {
    const std::size_t count = std::min(destinations.size(), lanes_of(set));
    if (pays(set, count)) {
      derive_in_lanes(set, labels, destinations.first(count), keys.first(count));
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        keys[i] = derive_keys(traits, destinations[i].octets(), Side::client);
      }
    }
    destinations = destinations.subspan(count);
    keys = keys.subspan(count);
  }
}

std::array<std::uint8_t, 12> make_nonce(const Keys& keys, std::uint64_t packet_number) {
  std::array<std::uint8_t, 12> nonce = keys.iv;
  packet::store32(&nonce[4],
                  packet::load32(&nonce[4]) ^ static_cast<std::uint32_t>(packet_number >> 32));
  packet::store32(&nonce[8], packet::load32(&nonce[8]) ^ static_cast<std::uint32_t>(packet_number));
  return nonce;
}

AesBlock Crypto::first_counter(const Keys& keys, std::uint64_t packet_number) {
  // GCM's counter starts behind the nonce at 1, whose block masks the tag (NIST SP 800-38D
  // section 7.1).
  const auto nonce = make_nonce(keys, packet_number);
  AesBlock counter{};
  std::copy(nonce.begin(), nonce.end(), counter.begin());
  counter.back() = 2;
  return counter;
}

}  // namespace sluice::inspect::quic
