#include "dataplane/act/tcp_segment.h"

#include <gtest/gtest.h>

#include "dataplane/packet/bytes.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::act {
namespace {

using packet::Way;
using test::Bytes;

Bytes reset(const Bytes& withheld, Way way) {
  Bytes out(kMaxSegmentOctets);
  out.resize(write_tcp_reset(withheld, packet::parse_frame(withheld), way, out.data()));
  const packet::Frame frame = packet::parse_frame(out);
  EXPECT_EQ(frame.kind, packet::FrameKind::tcp);
  EXPECT_EQ(frame.payload_length, 0);
  const auto addresses = frame.ipv6 ? std::span(&out[frame.network_offset + 8U], 32)
                                    : std::span(&out[frame.network_offset + 12U], 8);
  EXPECT_EQ(
      packet::transport_checksum(addresses, 6, std::span(out).subspan(frame.transport_offset)), 0);
  return out;
}

TEST(TcpSegment, HitsTheNextSequenceNumberOfEachSide) {
  for (const bool ipv6 : {false, true}) {
    const Bytes hello = test::frame(Bytes(517), {.ipv6 = ipv6,
                                                 .vlans = {{0x8100, 5}},
                                                 .protocol = 6,
                                                 .source_port = 40000,
                                                 .destination_port = 443,
                                                 .sequence = 0xffffff00,
                                                 .acknowledgement = 77});
    const Bytes client = reset(hello, Way::back);
    auto tcp = packet::tcp_fields(client, packet::parse_frame(client));
    EXPECT_EQ(tcp.source_port, 443);
    EXPECT_EQ(tcp.destination_port, 40000);
    EXPECT_EQ(tcp.sequence, 77U);
    EXPECT_EQ(tcp.acknowledgement, 0xffffff00U + 517);  // wraps
    EXPECT_EQ(tcp.flags, packet::kTcpRst | packet::kTcpAck);
    EXPECT_EQ(packet::parse_frame(client).outer_vlan, 5);

    const Bytes server = reset(hello, Way::onward);
    tcp = packet::tcp_fields(server, packet::parse_frame(server));
    EXPECT_EQ(tcp.source_port, 40000);
    EXPECT_EQ(tcp.destination_port, 443);
    EXPECT_EQ(tcp.sequence, 0xffffff00U);
    EXPECT_EQ(tcp.acknowledgement, 77U);
    EXPECT_EQ(Bytes(server.begin(), server.begin() + 12), Bytes(hello.begin(), hello.begin() + 12));
  }
}

TEST(TcpSegment, NeverComesFromAGroupAddress) {
  Bytes hello = test::frame(Bytes(100), {.protocol = 6});
  hello[0] = hello[6] = 0x13;
  for (const Way way : {Way::back, Way::onward}) {
    EXPECT_EQ(reset(hello, way)[6], 0x12);
  }
}

TEST(TcpSegment, CountsSynAndFin) {
  const Bytes hello = test::frame(Bytes(100), {.protocol = 6, .sequence = 10, .tcp_flags = 0x02});
  const Bytes client = reset(hello, Way::back);
  EXPECT_EQ(packet::tcp_fields(client, packet::parse_frame(client)).acknowledgement, 111U);
}

}  // namespace
}  // namespace sluice::act
