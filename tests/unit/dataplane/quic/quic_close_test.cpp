#include "dataplane/act/quic_close.h"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/quic/initial_builder.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice::act {
namespace {

namespace quic = inspect::quic;
using test::Bytes;

class QuicClose : public testing::Test {
 protected:
  void see(const Bytes& datagram) {
    ASSERT_NE(streams_.see(datagram, *crypto_, connection_).outcome, inspect::Outcome::malformed);
  }
  Bytes close(std::string_view reason) {
    Bytes out(kMaxQuicCloseOctets, 0xee);
    const std::size_t length = write_quic_close(connection_, reason, *crypto_, out.data());
    EXPECT_LE(length, out.size());
    out.resize(length);
    return out;
  }

  const std::unique_ptr<quic::Crypto> crypto_ = quic::Crypto::create();
  test::Streams streams_;
  quic::Connection connection_;
  const Bytes first_ = test::from_hex("8394c8f03e515708");
};

TEST_F(QuicClose, AnswersTheClientInTheServersName) {
  EXPECT_TRUE(close("blocked").empty());
  for (const std::uint32_t version : {test::kV1, test::kV2, test::kDraft29, test::kDraft27}) {
    connection_ = {};
    see(test::protect({1}, {.version = version, .source = {9, 8, 7}}));
    const Bytes packet = close("blocked: gambling; incident 0000002A");
    const test::Opened opened = test::unprotect(packet, version, first_, true);
    ASSERT_TRUE(opened.verified);
    EXPECT_EQ(opened.length, packet.size());
    EXPECT_EQ(packet::load32(&packet[1]), version);
    EXPECT_EQ(opened.first, version == test::kV2 ? 0xd1 : 0xc1);  // reserved bits are 0
    EXPECT_EQ(opened.destination, (Bytes{9, 8, 7}));
    EXPECT_EQ(opened.source, first_);
    EXPECT_TRUE(opened.token.empty());
    Bytes expected = {0x1c, 0x02, 0x00, 0x40, 36};
    test::put(expected, "blocked: gambling; incident 0000002A");
    EXPECT_EQ(opened.frames, expected);
  }
}

TEST_F(QuicClose, LeavesGooglesOwnVersionsToSilence) {
  see(test::protect({7}, {.version = test::kT051}));
  ASSERT_NE(connection_.origin(), nullptr);
  EXPECT_TRUE(close("blocked").empty());
}

TEST_F(QuicClose, BearsTheConnectionIdsThatTheClientExpects) {
  see(test::protect({1}));
  const Bytes server = test::from_hex("f067a5502a4262b5");
  see(test::protect({1}, {.destination = server, .number = 1, .keys_from = first_}));
  test::Opened opened = test::unprotect(close(""), test::kV1, first_, true);
  ASSERT_TRUE(opened.verified);
  EXPECT_EQ(opened.source, server);
  EXPECT_TRUE(opened.destination.empty());
  EXPECT_EQ(opened.frames, (Bytes{0x1c, 0x02, 0x00, 0x40, 0}));
  // After a Retry the keys come from the ID that it gave.
  const Bytes retry(20, 5);
  see(test::protect({1}, {.destination = retry, .source = Bytes(20, 6), .token = {1}}));
  const Bytes longest = close(std::string(200, 'x'));
  EXPECT_EQ(longest.size(), kMaxQuicCloseOctets);
  opened = test::unprotect(longest, test::kV1, retry, true);
  ASSERT_TRUE(opened.verified);
  EXPECT_EQ(opened.source, retry);
  EXPECT_EQ(opened.destination, Bytes(20, 6));
  EXPECT_EQ(opened.frames.size(), 5 + kMaxQuicReasonOctets);
}

}  // namespace
}  // namespace sluice::act
