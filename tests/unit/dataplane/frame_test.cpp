#include "dataplane/packet/frame.h"

#include <gtest/gtest.h>
#include <random>

#include "dataplane/packet/checksum.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::packet {
namespace {

using test::Bytes;
using test::FrameOptions;

const Bytes kPayload = {1, 2, 3, 4, 5};

void expect_payload(const Bytes& bytes, FrameKind kind) {
  const Frame frame = parse_frame(bytes);
  ASSERT_EQ(frame.kind, kind);
  ASSERT_EQ(frame.payload_length, kPayload.size());
  EXPECT_EQ(Bytes(bytes.begin() + frame.payload_offset,
                  bytes.begin() + frame.payload_offset + frame.payload_length),
            kPayload);
}

TEST(Frame, FindsThePayloadUnderEveryHeader) {
  for (const std::uint8_t protocol : {kProtocolUdp, kProtocolTcp}) {
    const FrameKind kind = protocol == kProtocolUdp ? FrameKind::udp : FrameKind::tcp;
    for (const bool ipv6 : {false, true}) {
      for (const auto& vlans : std::vector<std::vector<std::pair<std::uint16_t, std::uint16_t>>>{
               {}, {{0x8100, 5}}, {{0x88a8, 5}, {0x8100, 9}}, {{0x9100, 5}, {0x8100, 9}}}) {
        expect_payload(test::frame(kPayload, {.ipv6 = ipv6, .vlans = vlans, .protocol = protocol}),
                       kind);
      }
      // Ethernet padding is not payload.
      expect_payload(test::frame(kPayload, {.ipv6 = ipv6, .protocol = protocol, .padding = 30}),
                     kind);
    }
    expect_payload(test::frame(kPayload, {.protocol = protocol, .ip_options = Bytes(40, 1)}), kind);
    // Hop-by-hop, destination options, an atomic fragment, then the transport.
    const Bytes chain = {60, 0, 1, 4, 0, 0, 0, 0, 44,       1, 1, 12, 0, 0, 0, 0,
                         0,  0, 0, 0, 0, 0, 0, 0, protocol, 0, 0, 0,  0, 0, 0, 9};
    expect_payload(
        test::frame(
            kPayload,
            {.ipv6 = true, .protocol = protocol, .extension_headers = chain, .first_extension = 0}),
        kind);
  }
}

TEST(Frame, TellsVlanIdentifiers) {
  const Frame frame = parse_frame(test::frame(kPayload, {.vlans = {{0x88a8, 100}, {0x8100, 7}}}));
  EXPECT_EQ(frame.vlan_count, 2);
  EXPECT_EQ(frame.outer_vlan, 100);
  EXPECT_EQ(frame.inner_vlan, 7);
}

TEST(Frame, NamesWhatItDoesNotRead) {
  const auto kind = [](Bytes bytes) { return parse_frame(bytes).kind; };
  EXPECT_EQ(kind({}), FrameKind::truncated);
  EXPECT_EQ(kind(Bytes(13)), FrameKind::truncated);
  Bytes arp(60);
  arp[12] = 8;
  arp[13] = 6;
  EXPECT_EQ(kind(arp), FrameKind::not_ip);
  EXPECT_EQ(kind(test::frame(kPayload, {.fragment = 0x2000})), FrameKind::fragment);
  EXPECT_EQ(kind(test::frame(kPayload, {.fragment = 0x0005})), FrameKind::fragment);
  Bytes icmp = test::frame(kPayload);
  icmp[23] = 1;
  EXPECT_EQ(kind(icmp), FrameKind::other_protocol);
  EXPECT_EQ(
      kind(test::frame(
          kPayload, {.vlans = {{0x8100, 1}, {0x8100, 2}, {0x8100, 3}, {0x8100, 4}, {0x8100, 5}}})),
      FrameKind::too_many_headers);

  Bytes bad = test::frame(kPayload);
  bad[14] = 0x44;  // IHL 4
  EXPECT_EQ(kind(bad), FrameKind::malformed_ip);
  bad = test::frame(kPayload);
  bad[14] = 0x65;  // version 6 under ethertype IPv4
  EXPECT_EQ(kind(bad), FrameKind::malformed_ip);
  bad = test::frame(kPayload);
  bad[17] = 10;  // total length under the header's
  EXPECT_EQ(kind(bad), FrameKind::malformed_ip);
  bad = test::frame(kPayload);
  bad[16] = 9;  // total length over the frame
  EXPECT_TRUE(parse_frame(bad).cut);
  EXPECT_EQ(kind(bad), FrameKind::udp);
  bad = test::frame(kPayload);
  bad[39] = 99;  // UDP length over the datagram
  EXPECT_EQ(kind(bad), FrameKind::malformed_transport);
  bad[39] = 7;  // and under its own header
  EXPECT_EQ(kind(bad), FrameKind::malformed_transport);
  bad = test::frame(kPayload, {.protocol = 6});
  bad[46] = 0x40;  // TCP data offset 4
  EXPECT_EQ(kind(bad), FrameKind::malformed_transport);
  bad[46] = 0xf0;
  EXPECT_EQ(kind(bad), FrameKind::malformed_transport);
  // Nine extension headers are one more than the bound.
  Bytes chain;
  for (int i = 0; i < 9; ++i) test::put(chain, Bytes{60, 0, 1, 4, 0, 0, 0, 0});
  EXPECT_EQ(kind(test::frame(kPayload,
                             {.ipv6 = true, .extension_headers = chain, .first_extension = 60})),
            FrameKind::too_many_headers);
}

// The short way for plain frames and the long one for all say the same, whatever octet is spoiled.
TEST(Frame, PlainFramesAreReadAlikeBothWays) {
  unsigned plain_ones = 0;
  for (const bool ipv6 : {false, true}) {
    for (const std::uint8_t protocol : {6, 17, 1}) {
      for (const unsigned tags : {0U, 1U, 2U}) {
        FrameOptions options{.ipv6 = ipv6, .protocol = protocol};
        for (unsigned i = 0; i < tags; ++i) options.vlans.push_back({0x8100, 7});
        Bytes bytes = test::frame(Bytes(30), options);
        bytes.resize(bytes.size() + 3);  // Ethernet padding
        for (std::size_t at = 0; at < bytes.size(); ++at) {
          const std::uint8_t octet = bytes[at];
          for (unsigned value = 0; value < 256; ++value) {
            bytes[at] = static_cast<std::uint8_t>(value);
            Frame plain;
            if (!parse_plain_frame(bytes, plain)) continue;
            Frame any;
            parse_any_frame(bytes, any);
            ASSERT_TRUE(any == plain) << ipv6 << ' ' << int{protocol} << ' ' << at << ' ' << value;
            ++plain_ones;
          }
          bytes[at] = octet;
        }
      }
    }
  }
  EXPECT_GT(plain_ones, 50000U);
}

TEST(Checksum, IsTheSumOfBigEndianWords) {
  std::mt19937 random(4);  // NOLINT
  for (std::size_t size = 0; size < 70000; size = size < 300 ? size + 1 : size + 9973) {
    Bytes bytes(size);
    for (auto& octet : bytes) octet = static_cast<std::uint8_t>(random() % 4 == 0 ? 255 : random());
    std::uint64_t sum = 0x1234;
    for (std::size_t i = 0; i < size; ++i) sum += std::uint64_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    ASSERT_EQ(checksum_fold(checksum_add(0x1234, bytes)), static_cast<std::uint16_t>(~sum)) << size;
  }
}

TEST(Frame, EveryCutIsSafe) {
  for (const bool ipv6 : {false, true}) {
    const Bytes whole = test::frame(kPayload, {.ipv6 = ipv6, .vlans = {{0x8100, 5}}});
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // A copy of its own size, so that the address sanitizer sees a read past its end.
      const Bytes cut(whole.begin(), whole.begin() + static_cast<long>(size));
      const Frame frame = parse_frame(cut);
      EXPECT_TRUE(frame.kind == FrameKind::truncated || (frame.kind == FrameKind::udp && frame.cut))
          << size;
    }
  }
}

TEST(Frame, AQueryFromATunnelsPortIsNoTunnel) {
  // A G-PDU with an IPv4 header behind it, which a query can be made to look like.
  Bytes payload = {0x30, 0xff, 0, 20, 0, 0, 0, 1, 0x45};
  payload.resize(8 + 20);
  const auto kind = [&](std::uint16_t to) {
    return parse_frame(test::frame(payload, {.source_port = 2152, .destination_port = to})).kind;
  };
  EXPECT_EQ(kind(53), FrameKind::udp);
  EXPECT_NE(kind(2000), FrameKind::udp);
}

TEST(Frame, GroupAddresses) {
  const auto group = [](const FrameOptions& options) {
    const Bytes bytes = test::frame(kPayload, options);
    return is_group_addressed(bytes, parse_frame(bytes));
  };
  EXPECT_FALSE(group({}));
  EXPECT_TRUE(group({.first_destination_octet = 224}));
  EXPECT_TRUE(group({.first_destination_octet = 255}));
  EXPECT_FALSE(group({.ipv6 = true}));
  EXPECT_TRUE(group({.ipv6 = true, .first_destination_octet = 0xff}));
}

}  // namespace
}  // namespace sluice::packet
