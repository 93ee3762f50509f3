// The keys of Initial packets, which anyone can derive from a connection ID. RFC 9001 sections 5.2
// and 5.3.
//
// Thread safety: free functions over the caller's values. Nothing allocates.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/inspect/quic/packet.h"
#include "dataplane/inspect/quic/version.h"

namespace sluice::inspect::quic {

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

}  // namespace sluice::inspect::quic
