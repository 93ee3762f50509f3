#include "dataplane/inspect/quic/client_keys.h"

#include <cstring>

namespace sluice::inspect::quic {
namespace {

/// What tells most of them apart.
std::uint64_t front_of(const ConnectionId& destination) {
  std::uint64_t front;
  std::memcpy(&front, destination.bytes.data(), sizeof front);
  return front;
}

}  // namespace

const Keys& ClientKeys::find(const VersionTraits& traits, const ConnectionId& destination) {
  for (std::size_t i = 0; i < count_; ++i, ++next_) {
    if (next_ >= count_) next_ = 0;
    if (traits_[next_] == &traits && destinations_[next_] == destination) {
      return keys_[next_++];
    }
  }
  derive(traits, destination);
  return keys_[next_++];
}

bool ClientKeys::holds(std::size_t from, const ConnectionId& destination) const {
  const std::uint64_t front = front_of(destination);
  for (std::size_t i = from; i < count_; ++i) {
    if (fronts_[i] == front && destinations_[i] == destination) return true;
  }
  return false;
}

/// These, and what is expected of the same version. next_ is where they are.
void ClientKeys::derive(const VersionTraits& traits, const ConnectionId& destination) {
  if (count_ == kMost) count_ = 0;
  next_ = count_;
  const auto add = [&](const ConnectionId& of) {
    traits_[count_] = &traits;
    fronts_[count_] = front_of(of);
    destinations_[count_++] = of;
  };
  add(destination);
  std::size_t left = 0;
  for (std::size_t i = reached_; i < expected_count_; ++i) {
    const VersionTraits* of = nullptr;
    std::span<const std::uint8_t> octets;
    if (!read_destination(expected_[i], of, octets) || octets.size() < kMinFirstDestinationOctets) {
      continue;
    }
    ConnectionId id;
    id.assign(octets);
    if (of != &traits || count_ == kMost) {
      expected_[left++] = expected_[i];
    } else if (!holds(next_, id)) {
      add(id);
    }
  }
  expected_count_ = left;
  reached_ = 0;
  derive_client_keys(traits, std::span(destinations_).subspan(next_, count_ - next_),
                     std::span(keys_).subspan(next_));
}

}  // namespace sluice::inspect::quic
