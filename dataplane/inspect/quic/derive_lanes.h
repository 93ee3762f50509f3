// The client keys of many connections at once, each in a lane of vectors: one derivation is eight
// steps of SHA-256 that wait for each other, those of other connections wait for none of them.
//
// keys.cpp derives the same one by one; the tests hold these against it.
//
// Thread safety: free functions over the caller's values. Nothing allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/inspect/quic/hkdf.h"
#include "dataplane/inspect/quic/keys.h"
#include "dataplane/inspect/quic/packet.h"
#include "dataplane/inspect/quic/sha256.h"

namespace sluice::inspect::quic {

/// Instructions that there are vectors of. Not AVX-512 without VL: no processor but Xeon Phi has
/// it.
enum class LaneSet : std::uint8_t { none, avx2, avx512 };

/// Whether this processor has them.
[[nodiscard]] bool has_lanes(LaneSet set);
/// The widest that this processor has.
[[nodiscard]] LaneSet widest_lanes();
/// Connections that one vector holds; 1 where there is none.
[[nodiscard]] std::size_t lanes_of(LaneSet set);

/// What HKDF takes of a version: its salt, taken in, and the messages of its labels.
struct LaneLabels {
  const HmacKey& salt;
  const Sha256Constant& secret;
  std::array<const Sha256Constant*, 3> key_iv_header;
};

[[nodiscard]] LaneLabels client_labels(const VersionTraits& traits);

/// `set`: one that the processor has. `destinations`: from 1 to lanes_of(set); as many `keys`.
void derive_in_lanes(LaneSet set, const LaneLabels& labels,
                     std::span<const ConnectionId> destinations, std::span<Keys> keys);

inline constexpr std::size_t kFewLanes = 4;

/// sha256_compress() for at most kFewLanes messages. `set`: not none.
void compress_few(LaneSet set, std::span<Sha256State> states, std::span<const Sha256Block> blocks);

}  // namespace sluice::inspect::quic
