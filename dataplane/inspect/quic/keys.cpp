#include "dataplane/inspect/quic/keys.h"

#include <algorithm>
#include <bit>
#include <cstring>
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

/// Where the processor has SHA instructions, a derivation by them, two at a time, takes as long as
/// a twelfth of sixteen in lanes: they have to be nearly full, and be sixteen.
constexpr std::size_t kLeastBesideShaNi = 12;

bool pays(LaneSet set, std::size_t count) {
  if (!has_sha_instructions()) return set != LaneSet::none && count > 1;
  return set == LaneSet::avx512 && count >= kLeastBesideShaNi;
}

/// Those of two connections.
void derive_two(const LaneLabels& labels, std::span<const ConnectionId, 2> destinations,
                std::span<Keys, 2> keys) {
  const HmacKeyPair initial(HmacKeyPair(labels.salt)
                                .sign(std::array{last_block(destinations[0].octets()),
                                                 last_block(destinations[1].octets())}));
  const HmacKeyPair secret(initial.sign(labels.secret));
  const auto expand = [&](std::size_t label, auto member) {
    const auto digests = secret.sign(*labels.key_iv_header[label]);
    for (std::size_t i = 0; i < keys.size(); ++i) store(digests[i], keys[i].*member);
  };
  expand(0, &Keys::key);
  expand(1, &Keys::iv);
  expand(2, &Keys::header);
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
    std::size_t count = std::min(destinations.size(), lanes_of(set));
    if (pays(set, count)) {
      derive_in_lanes(set, labels, destinations.first(count), keys.first(count));
    } else if (destinations.size() > 1) {
      count = 2;
      derive_two(labels, destinations.first<2>(), keys.first<2>());
    } else {
      keys[0] = derive_keys(traits, destinations[0].octets(), Side::client);
    }
    destinations = destinations.subspan(count);
    keys = keys.subspan(count);
  }
}

namespace {

struct Nonce {
  std::uint64_t front;  // eight octets, and the other four, as they lie in memory
  std::uint32_t back;
};

Nonce nonce_of(const Keys& keys, std::uint64_t packet_number) {
  Nonce nonce;
  std::memcpy(&nonce.front, keys.iv.data(), sizeof nonce.front);
  std::memcpy(&nonce.back, keys.iv.data() + sizeof nonce.front, sizeof nonce.back);
  // The number's eight octets, the highest first, lie over the last eight.
  const std::uint64_t number = __builtin_bswap64(packet_number);
  nonce.front ^= number << 32;
  nonce.back ^= static_cast<std::uint32_t>(number >> 32);
  return nonce;
}

}  // namespace

std::array<std::uint8_t, 12> make_nonce(const Keys& keys, std::uint64_t packet_number) {
  const Nonce nonce = nonce_of(keys, packet_number);
  std::array<std::uint8_t, 12> octets;
  std::memcpy(octets.data(), &nonce.front, sizeof nonce.front);
  std::memcpy(octets.data() + sizeof nonce.front, &nonce.back, sizeof nonce.back);
  return octets;
}

AesBlock Crypto::first_counter(const Keys& keys, std::uint64_t packet_number) {
  // GCM's counter starts behind the nonce at 1, whose block masks the tag (NIST SP 800-38D
  // section 7.1).
  const Nonce nonce = nonce_of(keys, packet_number);
  const std::array<std::uint64_t, 2> halves = {nonce.front, nonce.back | std::uint64_t{2} << 56};
  return std::bit_cast<AesBlock>(halves);
}

}  // namespace sluice::inspect::quic
