#include "dataplane/inspect/quic/client_keys.h"

#include <cstring>

namespace sluice::inspect::quic {
namespace {

/// What tells most of them apart; fewer octets than eight are all taken for the same.
std::uint64_t end_of(std::span<const std::uint8_t> destination) {
  std::uint64_t end = 0;
  if (destination.size() >= sizeof end) {
    std::memcpy(&end, destination.last<sizeof end>().data(), sizeof end);
  }
  return end;
}

}  // namespace

const Keys& ClientKeys::find(const VersionTraits& traits,
                             std::span<const std::uint8_t> destination) {
  for (std::size_t i = 0; i < count_; ++i, ++next_) {
    if (next_ >= count_) next_ = 0;
    if (traits_[next_] == &traits && destinations_[next_].equals(destination)) {
      return keys_[next_++];
    }
  }
  derive(traits, destination);
  return keys_[next_++];
}

bool ClientKeys::holds(std::size_t from, std::span<const std::uint8_t> destination) const {
  const std::uint64_t end = end_of(destination);
  for (std::size_t i = from; i < count_; ++i) {
    if (ends_[i] == end && destinations_[i].equals(destination)) return true;
  }
  return false;
}

/// These, and what is expected of the same version. next_ is where they are.
void ClientKeys::derive(const VersionTraits& traits, std::span<const std::uint8_t> destination) {
  if (count_ == kMost) count_ = 0;
  next_ = count_;
  const auto add = [&](std::span<const std::uint8_t> of) {
    traits_[count_] = &traits;
    ends_[count_] = end_of(of);
    destinations_[count_++].assign(of);
  };
  add(destination);
  std::size_t left = 0;
  for (std::size_t i = reached_; i < expected_count_; ++i) {
    const VersionTraits* of = nullptr;
    std::span<const std::uint8_t> id;
    if (!read_destination(expected_[i], of, id) || id.size() < kMinFirstDestinationOctets) continue;
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
