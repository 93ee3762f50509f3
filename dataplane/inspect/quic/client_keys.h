// The clients' keys that one burst's Initials ask for: whoever asks first has those of the
// datagrams behind it derived along, since many together take little longer than one.
//
// Only what is derived from is looked at, and compared when it is asked for: a datagram that is
// never read, or asks for other keys, costs time and nothing else.
//
// Thread safety: belongs to one lcore. Nothing allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/inspect/quic/keys.h"
#include "dataplane/inspect/quic/packet.h"

namespace sluice::inspect::quic {

class ClientKeys {
 public:
  /// As many as a burst has frames.
  static constexpr std::size_t kMost = 32;

  /// Forgets what was expected and derived.
  void begin_burst() { expected_count_ = reached_ = count_ = next_ = 0; }
  /// That this datagram will be read, behind those expected before; its octets stay until
  /// begin_burst(). No more than kMost are kept in mind.
  void expect(std::span<const std::uint8_t> datagram) {
    if (expected_count_ < kMost) expected_[expected_count_++] = datagram;
  }
  /// The one that is read now: neither it nor those before it ask for others' keys.
  void reach(std::span<const std::uint8_t> datagram) {
    for (std::size_t i = reached_; i < expected_count_; ++i) {
      if (expected_[i].data() != datagram.data()) continue;
      reached_ = i + 1;
      return;
    }
  }

  /// derive_keys() for the client's side; good until the next call.
  [[nodiscard]] const Keys& find(const VersionTraits& traits, const ConnectionId& destination);

 private:
  [[nodiscard]] bool holds(std::size_t from, const ConnectionId& destination) const;
  void derive(const VersionTraits& traits, const ConnectionId& destination);

  std::array<std::span<const std::uint8_t>, kMost> expected_;
  std::size_t expected_count_ = 0;
  std::size_t reached_ = 0;  // of them

  // Those at hand.
  std::size_t count_ = 0;
  std::size_t next_ = 0;  // behind the one that was found last: mostly the one that is asked for
  std::array<const VersionTraits*, kMost> traits_;
  std::array<ConnectionId, kMost> destinations_;
  std::array<std::uint64_t, kMost> fronts_;  // their first eight octets
  std::array<Keys, kMost> keys_;
};

}  // namespace sluice::inspect::quic
