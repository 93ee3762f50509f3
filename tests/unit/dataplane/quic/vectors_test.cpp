// The samples of RFC 9001 appendix A and RFC 9369 appendix A.
#include <gtest/gtest.h>

#include "dataplane/inspect/quic/initial.h"
#include "tests/unit/dataplane/quic/initial_builder.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice::inspect::quic {
namespace {

using test::Bytes;
using test::from_hex;
using test::to_hex;

struct Sample {
  Version version;
  Side side;
  std::string_view key, iv, header;
};

TEST(QuicVectors, DeriveKeys) {
  for (const Sample& sample : {
           Sample{.version = Version::v1,
          .side = Side::client,
          .key = "1f369613dd76d5467730efcbe3b1a22d",
          .iv = "fa044b2f42a3fd3b46fb255c",
          .header = "9f50449e04a0e810283a1e9933adedd2"},
           Sample{.version = Version::v1,
           .side = Side::server,
           .key = "cf3a5331653c364c88f0f379b6067e37",
           .iv = "0ac1493ca1905853b0bba03e",
           .header = "c206b8d9b9f0f37644430b490eeaa314"},
           Sample{.version = Version::v2,
           .side = Side::client,
           .key = "8b1a0bc121284290a29e0971b5cd045d",
           .iv = "91f73e2351d8fa91660e909f",
           .header = "45b95e15235d6f45a6b19cbcb0294ba9"},
           Sample{.version = Version::v2,
           .side = Side::server,
           .key = "82db637861d55e1d011f19ea71d5d2a7",
           .iv = "dd13c276499c0249d3310652",
           .header = "edf6d05c83121201b436e16877593c3a"},
       }) {
    const Keys keys =
        derive_keys(*version_traits(sample.version), from_hex("8394c8f03e515708"), sample.side);
    EXPECT_EQ(to_hex(keys.key), sample.key);
    EXPECT_EQ(to_hex(keys.iv), sample.iv);
    EXPECT_EQ(to_hex(keys.header), sample.header);
  }
}

constexpr std::string_view kClientHelloFrame =
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
    "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
    "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
    "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
    "75300901100f088394c8f03e51570806048000ffff";

TEST(QuicVectors, OpenTheClientsInitial) {
  const auto crypto = Crypto::create();
  for (const auto& [version, start] : {
           std::pair{test::kV1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"},
           std::pair{test::kV2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"},
       }) {
    const Bytes datagram =
        test::protect(from_hex(kClientHelloFrame),
                      {.version = version, .number = 2, .number_octets = 4, .payload_least = 1162});
    ASSERT_EQ(datagram.size(), 1200U);
    ASSERT_EQ(to_hex(std::span(datagram).first(32)), start);
    if (version == test::kV1) {
      ASSERT_EQ(to_hex(std::span(datagram).last(16)), "e221af44860018ab0856972e194cd934");
    }
    EXPECT_TRUE(may_be_initial(datagram));
    test::Streams streams;
    Connection connection;
    const test::Seen result = streams.see(datagram, *crypto, connection);
    ASSERT_EQ(result.outcome, Outcome::found);
    EXPECT_EQ(result.hello.names[0], "example.com");
    EXPECT_TRUE(result.hello.complete);
    EXPECT_EQ(result.crypto_octets, 241U);
    EXPECT_EQ(connection.origin()->version, Version{version});
    EXPECT_EQ(connection.origin()->numbers[0], 3U);
  }
}

TEST(QuicVectors, KnowTheDrafts) {
  EXPECT_EQ(version_traits(Version::none), nullptr);
  EXPECT_EQ(version_traits(Version{0x0a0a0a0a}), nullptr);
  EXPECT_EQ(version_traits(Version{0xff000015}), nullptr);
  EXPECT_EQ(version_traits(Version{0xff000023}), nullptr);
  EXPECT_EQ(version_traits(Version{0xff000022}), version_traits(Version::v1));
  EXPECT_EQ(version_traits(Version{0xff000021}), version_traits(Version::v1));
  EXPECT_EQ(version_traits(Version{0xff000020}), version_traits(Version::draft29));
  EXPECT_NE(version_traits(Version{0xff00001c}), version_traits(Version::draft29));
  EXPECT_EQ(version_traits(Version{0xff00001c}), version_traits(Version{0xff000017}));
  EXPECT_EQ(version_traits(Version{0xfaceb001}), version_traits(Version{0xff000016}));
  EXPECT_EQ(version_traits(Version{0xfaceb002}), version_traits(Version{0xff00001b}));
}

}  // namespace
}  // namespace sluice::inspect::quic
