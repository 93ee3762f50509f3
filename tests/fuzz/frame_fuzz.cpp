// Any octets as a frame: offsets stay inside it, and the flow hash reads nothing else.
#include "dataplane/packet/frame.h"
#include "dataplane/worker/flow_hash.h"
#include "tests/fuzz/expect.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::span bytes(data, size);
  const packet::Frame frame = packet::parse_frame(bytes);
  packet::Frame plain;
  if (packet::parse_plain_frame(bytes, plain)) {
    packet::Frame any;
    packet::parse_any_frame(bytes, any);
    SLUICE_EXPECT(any == plain);
  }
  SLUICE_EXPECT(worker::flow_hash(bytes) == worker::flow_hash(bytes));
  SLUICE_EXPECT(frame.vlan_count <= packet::kMaxVlanTags);
  const bool tcp = frame.kind == packet::FrameKind::tcp;
  if (!tcp && frame.kind != packet::FrameKind::udp) return 0;
  SLUICE_EXPECT(frame.network_offset >= packet::kEthernetOctets);
  SLUICE_EXPECT(frame.transport_offset >= frame.network_offset + (frame.ipv6 ? 40 : 20));
  SLUICE_EXPECT(frame.payload_offset >= frame.transport_offset + (tcp ? 20 : 8));
  SLUICE_EXPECT(std::size_t{frame.payload_offset} + frame.payload_length <= size);
  (void)packet::source_address(bytes, frame);
  (void)packet::is_group_addressed(bytes, frame);
  if (tcp) (void)packet::tcp_fields(bytes, frame);
  return 0;
}
