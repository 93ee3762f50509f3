#include "dataplane/inspect/quic/client_keys.h"

namespace sluice::inspect::quic {

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

bool ClientKeys::holds(std::size_t from, const VersionTraits& traits,
                       std::span<const std::uint8_t> destination) const {
  for (std::size_t i = from; i < count_; ++i) {
    if (traits_[i] == &traits && destinations_[i].equals(destination)) return true;
  }
  return false;
}

/// These, and what is expected of the same version. next_ is where they are.
void ClientKeys::derive(const VersionTraits& traits, std::span<const std::uint8_t> destination) {
  if (count_ == kMost) count_ = 0;
  next_ = count_;
  const auto add = [&](std::span<const std::uint8_t> of) {
    traits_[count_] = &traits;
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
    } else if (!holds(next_, traits, id)) {
      add(id);
    }
  }
  expected_count_ = left;
  reached_ = 0;
  derive_client_keys(traits, std::span(destinations_).subspan(next_, count_ - next_),
                     std::span(keys_).subspan(next_));
}

}  // namespace sluice::inspect::quic
