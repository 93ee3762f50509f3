// The same over TCP: what is answered in a stream, and what waits for its addresses.
#include "tests/unit/dataplane/safe_search.h"

namespace sluice::pipeline {
namespace {

using stats::Id;
using test::dns_query;
using test::wire_name;

class SafeSearchTcpTest : public SafeSearchCase {
 protected:
  static constexpr test::FrameOptions kStream{.protocol = 6, .source_port = 4000};
  static Bytes framed(std::initializer_list<Bytes> messages) {
    Bytes out;
    for (const Bytes& message : messages) {
      test::put16(out, static_cast<unsigned>(message.size()));
      test::put(out, message);
    }
    return out;
  }
  void begin(test::FrameOptions options = kStream) {
    options.tcp_flags = packet::kTcpSyn;
    --options.sequence;
    EXPECT_EQ(ask({}, options), Fate::forward);
  }
  Bytes sent() {
    EXPECT_EQ(pipeline_->emissions().size(), 2U);
    if (pipeline_->emissions().size() != 2) return {};
    const Emission& emission = pipeline_->emissions()[0];
    EXPECT_EQ(emission.way, packet::Way::back);
    return payload_of({emission.bytes.data(), emission.length}, packet::FrameKind::tcp);
  }
};

TEST_F(SafeSearchTcpTest, IsAnsweredByWhatWasSeenOverUdp) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}})),
      Fate::rewrite);
  EXPECT_EQ(ask(dns_query("www.find.net", {.type = kAaaa})), Fate::rewrite);
  EXPECT_EQ(answer(dns_response(question("safe.find.net", kAaaa), kAnswered, {})), Fate::rewrite);
  now_ms_ += 10'000;
  EXPECT_EQ(ask(framed({dns_query("find.net"), dns_query("Find.net", {.type = kAaaa}),
                        dns_query("find.net", {.type = kHttps})}),
                kStream),
            Fate::drop);
  const Bytes got = sent();
  const Bytes first = dns_response(
      question("find.net"), 0x8180,
      {{packed(12), kCname, 50, wire_name("safe.find.net")}, {packed(38), kA, 50, address_}});
  const Bytes front = framed({first});
  ASSERT_GT(got.size(), front.size() + 14);
  EXPECT_TRUE(std::equal(front.begin(), front.end(), got.begin()));
  EXPECT_EQ(got[front.size() + 2 + 3], 0x80);  // NOERROR
  EXPECT_EQ(got[front.size() + 2 + 7], 1);     // the alias
  EXPECT_EQ(got[front.size() + 2 + 9], 1);     // and no data
  EXPECT_EQ(ask(framed({dns_query("find.net")}), kStream),
            Fate::drop);  // sent again: refused again
}

TEST_F(SafeSearchTcpTest, AsksOverUdpWhereNothingWasSeenAndWaitsForTheSegmentToComeAgain) {
  const Bytes segment = framed({dns_query("www.find.net", {.opt = true, .dnssec_ok = true})});
  begin();
  for (unsigned turn = 1; turn <= 2; ++turn) {
    EXPECT_EQ(ask(segment, kStream), Fate::drop);
    ASSERT_EQ(pipeline_->emissions().size(), 1U);
    const Emission& emission = pipeline_->emissions()[0];
    EXPECT_EQ(emission.way, packet::Way::onward);
    EXPECT_EQ(payload_of({emission.bytes.data(), emission.length}, packet::FrameKind::udp),
              dns_query("safe.find.net", {.opt = true}));
    EXPECT_EQ(count(Id::dns_safe_awaited), turn);
    now_ms_ += 300;
  }
  const Bytes response =
      dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}});
  EXPECT_EQ(answer(response, {.source_port = 4000}), Fate::drop);  // it is not the client's
  EXPECT_EQ(ask(segment, kStream), Fate::drop);
  const Bytes got = sent();
  ASSERT_GT(got.size(), 80U);
  const Bytes front = dns_response(
      question("www.find.net"), kAnswered,
      {{packed(12), kCname, 60, wire_name("safe.find.net")}, {packed(42), kA, 60, address_}});
  EXPECT_TRUE(std::equal(front.begin() + 12, front.end(), got.begin() + 14));
}

TEST_F(SafeSearchTcpTest, FailsWhereNoAnswerComesOrNoAddress) {
  const Bytes segment = framed({dns_query("www.find.net")});
  const Bytes failure = framed({dns_response(question("www.find.net"), 0x8182, {})});
  begin();
  EXPECT_EQ(ask(segment, kStream), Fate::drop);
  now_ms_ += SafeQueries::kPatienceMs + 1;
  EXPECT_EQ(ask(segment, kStream), Fate::drop);
  EXPECT_EQ(sent(), failure);
  test::FrameOptions other = kStream;
  other.source_port = 4001;
  begin(other);
  EXPECT_EQ(ask(segment, other), Fate::drop);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered | 2, {}), {.source_port = 4001}),
      Fate::drop);
  EXPECT_EQ(ask(segment, other), Fate::drop);
  EXPECT_EQ(sent(), failure);
}

TEST_F(SafeSearchTcpTest, AddressesThatAreTooOldAreAskedForAgain) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 5, address_}})),
      Fate::rewrite);
  now_ms_ += 5'000;
  begin();
  EXPECT_EQ(ask(framed({dns_query("www.find.net")}), kStream), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 1U);
}

// A segment sent again would begin within the message: nothing is waited for.
TEST_F(SafeSearchTcpTest, AMessageInTwoSegmentsFailsWhereNothingIsKnown) {
  const Bytes whole = framed({dns_query("www.find.net")});
  const Bytes front(whole.begin(), whole.begin() + 9);
  const Bytes rest(whole.begin() + 9, whole.end());
  begin();
  EXPECT_EQ(ask(front, kStream), Fate::forward);
  test::FrameOptions later = kStream;
  later.sequence += 9;
  EXPECT_EQ(ask(rest, later), Fate::drop);
  EXPECT_EQ(sent(), framed({dns_response(question("www.find.net"), 0x8182, {})}));
}

// What comes behind a segment that is waited for is read where it stands, and so is whatever comes
// in that segment's place.
TEST_F(SafeSearchTcpTest, WaitingForgetsNothingOfTheStream) {
  const Bytes first = framed({dns_query("www.find.net")});
  std::uint64_t awaited = 0;
  for (const char* name : {"www.find.net", "www.bets.example"}) {
    for (const bool pipelined : {false, true}) {
      test::FrameOptions stream = kStream;
      ++(stream.source_port += static_cast<std::uint16_t>(awaited));
      begin(stream);
      EXPECT_EQ(ask(first, stream), Fate::drop);
      EXPECT_EQ(count(Id::dns_safe_awaited), ++awaited);
      test::FrameOptions later = stream;
      later.sequence += static_cast<std::uint32_t>(first.size());
      if (pipelined) {
        EXPECT_EQ(ask(framed({dns_query("ok.org")}), later), Fate::forward);
      }
      EXPECT_EQ(ask(framed({dns_query(name)}), stream), Fate::drop) << name << pipelined;
      awaited = count(Id::dns_safe_awaited);
    }
  }
}

TEST_F(SafeSearchTcpTest, NothingIsWaitedForWhereOtherOctetsAreAtTheServer) {
  const Bytes first = framed({dns_query("ok.org")});
  const Bytes second = framed({dns_query("www.find.net")});
  test::FrameOptions later = kStream;
  begin();
  later.sequence += 6;
  Bytes rest(first.begin() + 6, first.end());
  test::put(rest, second);
  EXPECT_EQ(ask(Bytes(first.begin(), first.begin() + 6), kStream), Fate::forward);
  EXPECT_EQ(ask(rest, later), Fate::drop);
  EXPECT_EQ(count(Id::dns_safe_awaited), 0U);
  EXPECT_EQ(ask(rest, later), Fate::drop);
  // Behind it, a part of a message that has gone on.
  test::FrameOptions stream = kStream;
  stream.source_port = 4001;
  begin(stream);
  test::FrameOptions behind = stream;
  behind.sequence += static_cast<std::uint32_t>(second.size()) + 9;
  const Bytes bets = framed({dns_query("www.bets.example")});
  EXPECT_EQ(ask(Bytes(bets.begin() + 9, bets.end()), behind), Fate::forward);
  EXPECT_EQ(ask(second, stream), Fate::drop);
  EXPECT_EQ(count(Id::dns_safe_awaited), 0U);
}

TEST_F(SafeSearchTcpTest, OneServersAddressesAreNoOthers) {
  test::FrameOptions elsewhere;
  elsewhere.first_destination_octet = 8;
  EXPECT_EQ(ask(dns_query("www.find.net"), elsewhere), Fate::rewrite);
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered,
                                {{packed(12), kA, 0x7fffffff, unsafe_}}),
                   elsewhere),
            Fate::rewrite);
  begin();
  EXPECT_EQ(ask(framed({dns_query("www.find.net")}), kStream), Fate::drop);
  EXPECT_EQ(count(Id::dns_safe_awaited), 1U);
  // And none of them for long.
  test::FrameOptions stream = elsewhere;
  stream.protocol = 6;
  stream.source_port = 4001;
  now_ms_ += 300'001;
  begin(stream);
  EXPECT_EQ(ask(framed({dns_query("www.find.net")}), stream), Fate::drop);
  EXPECT_EQ(count(Id::dns_safe_awaited), 2U);
}

TEST_F(SafeSearchTcpTest, AddressesForNoTimeServeTheSegmentThatAskedForThem) {
  const Bytes segment = framed({dns_query("www.find.net")});
  begin();
  EXPECT_EQ(ask(segment, kStream), Fate::drop);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 0, address_}}),
             {.source_port = 4000}),
      Fate::drop);
  now_ms_ += 1'000;
  EXPECT_EQ(ask(segment, kStream), Fate::drop);
  const Bytes got = sent();
  ASSERT_GT(got.size(), 5U);
  EXPECT_EQ(got[5] & 0xf, 0);
  EXPECT_EQ(got[9], 2);  // the alias and the address
}

TEST_F(SafeSearchTcpTest, TheClientsOwnQueryOverUdpIsWaitedForAndAnswered) {
  EXPECT_EQ(ask(dns_query("www.find.net"), {.source_port = 4000}), Fate::rewrite);
  begin();
  EXPECT_EQ(ask(framed({dns_query("www.find.net")}), kStream), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 0U);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}}),
             {.source_port = 4000}),
      Fate::rewrite);
  EXPECT_EQ(ask(framed({dns_query("www.find.net")}), kStream), Fate::drop);
  EXPECT_GT(sent().size(), 40U);
}

TEST_F(SafeSearchTcpTest, ABlockedNameInTheSameSegmentIsRefused) {
  EXPECT_EQ(ask(framed({dns_query("www.find.net"), dns_query("www.bets.example")}), kStream),
            Fate::drop);
  const Bytes got = sent();
  ASSERT_GT(got.size(), 6U);
  EXPECT_EQ(got[5] & 0xf, 3);
}

}  // namespace
}  // namespace sluice::pipeline
