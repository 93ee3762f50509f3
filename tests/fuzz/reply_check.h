// What every frame that Sluice makes has to be: whole, to one receiver, with right checksums. Sums
// are computed apart from the code under test.
#pragma once

#include <algorithm>
#include <span>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/frame.h"
#include "tests/fuzz/expect.h"

namespace sluice::fuzz {

/// RFC 1071 as its section 1 says it: 0xffff over octets that hold their own checksum.
inline std::uint32_t ones_sum(std::span<const std::uint8_t> bytes, std::uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

/// A frame made here, of `kind`, toward one IP address from one station.
inline packet::Frame check_made_frame(std::span<const std::uint8_t> bytes, packet::FrameKind kind) {
  const packet::Frame frame = packet::parse_frame(bytes);
  SLUICE_EXPECT(frame.kind == kind);
  SLUICE_EXPECT(std::size_t{frame.payload_offset} + frame.payload_length == bytes.size());
  SLUICE_EXPECT((bytes[6] & 1) == 0);  // a group address is nobody's own (IEEE 802.3 3.2.3)
  SLUICE_EXPECT(!packet::is_group_addressed(bytes, frame));
  const std::size_t octets = frame.ipv6 ? 32 : 8;
  const std::size_t addresses = frame.network_offset + (frame.ipv6 ? 8U : 12U);
  const auto segment = bytes.subspan(frame.transport_offset);
  const std::uint32_t protocol =
      kind == packet::FrameKind::udp ? packet::kProtocolUdp : packet::kProtocolTcp;
  const auto pseudo = static_cast<std::uint32_t>(protocol + segment.size());
  SLUICE_EXPECT(ones_sum(segment, ones_sum(bytes.subspan(addresses, octets), pseudo)) == 0xffff);
  if (kind == packet::FrameKind::udp) SLUICE_EXPECT(packet::load16(&segment[6]) != 0);
  if (!frame.ipv6) SLUICE_EXPECT(ones_sum(bytes.subspan(frame.network_offset, 20)) == 0xffff);
  return frame;
}

}  // namespace sluice::fuzz
