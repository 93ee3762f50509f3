// A hash of a flow that is the same in both directions, so that both meet one lcore.
//
// Thread safety: free function; safe on the data path.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/packet/frame.h"

namespace sluice::worker {

/// Addresses and, where every fragment carries them, ports. What is not IP goes by its two MAC
/// addresses.
[[nodiscard]] inline std::uint32_t flow_hash(std::span<const std::uint8_t> bytes) {
  const packet::Frame frame = packet::parse_frame(bytes);
  std::uint64_t sum = 0;  // addition and XOR do not mind which side is the source
  const auto mix = [&sum](const std::uint8_t* at, std::size_t octets) {
    for (std::size_t i = 0; i < octets; i += 2) {
      std::uint16_t word = 0;
      std::memcpy(&word, at + i, 2);
      sum += word * (0x9e37U + static_cast<std::uint32_t>(i % 16) * 0x4f1bU);
    }
  };
  switch (frame.kind) {
    case packet::FrameKind::udp:
    case packet::FrameKind::tcp:
      mix(&bytes[frame.transport_offset], 2);
      mix(&bytes[frame.transport_offset + 2U], 2);
      [[fallthrough]];
    case packet::FrameKind::fragment:
    case packet::FrameKind::other_protocol: {
      const std::size_t octets = frame.ipv6 ? 16 : 4;
      const std::size_t at = frame.network_offset + (frame.ipv6 ? 8U : 12U);
      mix(&bytes[at], octets);
      mix(&bytes[at + octets], octets);
      break;
    }
    default:
      if (bytes.size() >= 12) {
        mix(bytes.data(), 6);
        mix(&bytes[6], 6);
      }
  }
  sum *= 0xd6e8feb86659fd93U;
  return static_cast<std::uint32_t>(sum >> 32);
}

}  // namespace sluice::worker
