#include "dataplane/inspect/quic/initial.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

#include "tests/unit/dataplane/quic/initial_builder.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice::inspect::quic {
namespace {

using test::Bytes;
using test::crypto_frame;
using test::crypto_piece;
using test::from_hex;
using test::InitialOptions;
using test::joined;
using test::protect;

const Bytes kFirstId = from_hex("8394c8f03e515708");
const Bytes kServerId = from_hex("f067a5502a4262b5");
const Bytes kRetryId = from_hex("0102030405060708090a");

class QuicInitial : public testing::Test {
 protected:
  Outcome see(const Bytes& datagram) {
    // Alone in memory of its size, so that the sanitizer sees every read past it.
    const auto copy = std::make_unique<std::uint8_t[]>(datagram.size());
    std::copy(datagram.begin(), datagram.end(), copy.get());
    result_ = streams_.see({copy.get(), datagram.size()}, *crypto_, connection_);
    EXPECT_TRUE(std::equal(datagram.begin(), datagram.end(), copy.get()));
    return result_.outcome;
  }
  std::string name() const {
    return result_.hello.name_count == 1 ? std::string(result_.hello.names[0]) : "";
  }
  void expect_found(const Bytes& datagram, std::string_view expected = "www.example.com") {
    EXPECT_EQ(see(datagram), Outcome::found);
    EXPECT_EQ(name(), expected);
    EXPECT_EQ(result_.defect, Defect::none);
  }
  void forget() {
    connection_ = Connection{};
    streams_.forget();
  }

  const std::unique_ptr<Crypto> crypto_ = Crypto::create();
  test::Streams streams_;
  Connection connection_;
  test::Seen result_;
  const Bytes hello_ = test::handshake_hello("www.example.com", 300);
};

TEST_F(QuicInitial, OpensEveryVersionAndHeaderForm) {
  for (const InitialOptions& options : {
           InitialOptions{},
           InitialOptions{.version = test::kV2},
           InitialOptions{.version = test::kV2Draft},
           InitialOptions{.version = test::kDraft29},
           InitialOptions{.version = test::kDraft27},
           InitialOptions{.destination = Bytes(20, 7), .source = Bytes(20, 9)},
           InitialOptions{.token = Bytes(300, 0x55)},
           InitialOptions{.number = 0x12345678, .number_octets = 4},
           InitialOptions{.number = 0x123456, .number_octets = 3},
           InitialOptions{.number = 200},
           InitialOptions{.reserved = 3},
           InitialOptions{.fixed_bit = false},
           InitialOptions{.payload_least = 1300},
       }) {
    forget();
    const Bytes datagram = protect(crypto_frame(0, hello_), options);
    EXPECT_TRUE(may_be_initial(datagram));
    expect_found(datagram);
    EXPECT_EQ(test::to_hex(connection_.origin()->source.octets()), test::to_hex(options.source));
    EXPECT_EQ(test::to_hex(connection_.origin()->latest.octets()),
              test::to_hex(options.destination));
  }
}

TEST_F(QuicInitial, OpensGooglesOwnVersions) {
  const auto frame = [](std::size_t offset, const Bytes& octets) {
    return crypto_frame(offset, octets, test::kGoogleCryptoFrame);
  };
  for (const std::uint32_t version : {test::kQ050, test::kT050, test::kT051}) {
    forget();
    const Bytes hello = version == test::kQ050 ? test::chlo("www.example.com") : hello_;
    Bytes frames = {7};  // PING
    test::put(frames, frame(0, hello));
    const Bytes datagram = protect(frames, {.version = version});
    EXPECT_TRUE(may_be_initial(datagram));
    expect_found(datagram);

    forget();
    const Bytes first(hello.begin(), hello.begin() + 30);
    EXPECT_EQ(see(protect(frame(0, first), {.version = version})), Outcome::need_more);
    expect_found(protect(frame(30, Bytes(hello.begin() + 30, hello.end())),
                         {.version = version, .number = 1}));
  }
  // The IETF's CRYPTO frame is none of Google's.
  forget();
  EXPECT_EQ(see(protect(crypto_frame(0, hello_), {.version = test::kT051})), Outcome::need_more);
  EXPECT_NE(result_.frames, FrameDefect::none);
}

TEST_F(QuicInitial, LeavesWhatNoKeysOpen) {
  Bytes bad = protect(crypto_frame(0, hello_));
  bad.back() ^= 1;
  EXPECT_EQ(see(bad), Outcome::malformed);
  EXPECT_EQ(result_.defect, Defect::no_keys);
  EXPECT_EQ(connection_.origin(), nullptr);
  EXPECT_TRUE(streams_[0].empty());
  // From a server, whose keys are others.
  EXPECT_EQ(see(protect(crypto_frame(0, hello_), {.server = true})), Outcome::malformed);
  EXPECT_EQ(result_.defect, Defect::no_keys);
  // A client's first choice of connection ID has eight octets at least.
  EXPECT_EQ(see(protect(crypto_frame(0, hello_), {.destination = Bytes(7, 1)})),
            Outcome::malformed);
  EXPECT_EQ(result_.defect, Defect::no_keys);
  expect_found(protect(crypto_frame(0, hello_)));
  // And in the middle of a connection.
  EXPECT_EQ(see(bad), Outcome::malformed);
  expect_found(protect({1}, {.number = 1}));
}

TEST_F(QuicInitial, TellsWhyThereIsNoInitial) {
  const auto defect = [&](const Bytes& datagram) {
    EXPECT_EQ(see(datagram), Outcome::malformed);
    return result_.defect;
  };
  const Bytes good = protect(crypto_frame(0, hello_));
  EXPECT_EQ(defect({}), Defect::not_initial);
  EXPECT_EQ(defect({0x40, 1, 2, 3, 4, 5, 6, 7, 8}), Defect::not_initial);
  EXPECT_EQ(defect(protect({1}, {.type = 2})), Defect::not_initial);
  EXPECT_EQ(defect(protect({1}, {.type = 3})), Defect::not_initial);
  Bytes other = good;
  other[1] = 0x1a;
  EXPECT_EQ(defect(other), Defect::unknown_version);
  EXPECT_FALSE(may_be_initial(other));
  other = good;
  other[5] = 21;
  EXPECT_EQ(defect(other), Defect::connection_id);
  for (std::size_t length = 1; length < good.size(); ++length) {
    const Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(defect(cut), Defect::cut) << length;
    EXPECT_FALSE(may_be_initial(cut));
  }
  // A Length that leaves no room for a sample.
  EXPECT_EQ(defect(joined({from_hex("c000000001088394c8f03e515708000004"), Bytes(4)})),
            Defect::cut);
  Bytes big(70000, 0x11);
  const Bytes header = from_hex("c000000001088394c8f03e515708000080011000");
  std::copy(header.begin(), header.end(), big.begin());
  EXPECT_EQ(defect(big), Defect::too_long);
}

TEST_F(QuicInitial, WalksCoalescedPackets) {
  const Bytes zero_rtt = protect({1}, {.type = 1});
  const Bytes handshake = protect({1}, {.type = 2});
  const Bytes first = protect(crypto_piece(hello_, 0, 100));
  const Bytes second = protect(crypto_piece(hello_, 100, 9999), {.number = 1});
  const Bytes short_header = {0x41, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_TRUE(may_be_initial(joined({zero_rtt, first})));
  EXPECT_FALSE(may_be_initial(joined({zero_rtt, handshake, short_header})));
  expect_found(joined({first, second}));
  EXPECT_EQ(result_.opened, 2U);
  forget();
  expect_found(joined({zero_rtt, second, handshake, first, short_header}));
  forget();
  Bytes bad = first;
  bad.back() ^= 1;
  EXPECT_EQ(see(joined({bad, first, second})), Outcome::found);
  EXPECT_EQ(name(), "www.example.com");
  EXPECT_EQ(result_.defect, Defect::no_keys);
  forget();
  EXPECT_EQ(see(joined({first, Bytes(100), second})), Outcome::need_more);
}

TEST_F(QuicInitial, PutsTheStreamTogetherOverDatagrams) {
  const Bytes first = protect(crypto_piece(hello_, 0, 200));
  const Bytes second = protect(crypto_piece(hello_, 200, 9999), {.number = 1});
  EXPECT_EQ(see(first), Outcome::need_more);
  expect_found(second);
  EXPECT_FALSE(result_.new_stream);
  forget();
  EXPECT_EQ(see(second), Outcome::need_more);
  expect_found(first);
  expect_found(first);  // sent again
  EXPECT_FALSE(result_.conflict);
}

TEST_F(QuicInitial, ReadsAllFramesBeforeCrypto) {
  Bytes ack = {2};
  for (const std::uint64_t value : {5, 20, 2, 0, 0, 0, 1, 1}) test::put_varint(ack, value);
  Bytes ack_ecn = {3};
  for (const std::uint64_t value : {70000, 20, 0, 0, 1, 2, 3}) test::put_varint(ack_ecn, value);
  Bytes close = {0x1c, 0x0a, 0x06, 0x03, 'b', 'y', 'e'};
  for (const Bytes& before :
       {ack, ack_ecn, close, Bytes{1}, Bytes(40), joined({Bytes(2), ack, {1}, close})}) {
    forget();
    expect_found(protect(joined({before, crypto_frame(0, hello_)})));
  }
  // Types that are not in their shortest form.
  for (const std::size_t octets : {2U, 4U, 8U}) {
    Bytes frame;
    test::put_varint(frame, 1, octets);
    test::put_varint(frame, 6, octets);
    test::put_varint(frame, 0, octets);
    test::put_varint(frame, hello_.size(), octets);
    forget();
    expect_found(protect(joined({frame, hello_})));
  }
}

TEST_F(QuicInitial, StopsAPacketAtAFrameItDoesNotKnow) {
  const Bytes first = crypto_piece(hello_, 0, 100);
  const Bytes rest = crypto_piece(hello_, 100, 9999);
  EXPECT_EQ(see(protect(joined({first, {0x08}, rest}))), Outcome::need_more);
  EXPECT_NE(result_.frames, FrameDefect::none);
  EXPECT_EQ(result_.crypto_octets, 100U);
  expect_found(protect(rest, {.number = 1}));
  for (const Bytes& broken : {Bytes{6, 0}, Bytes{6, 0, 9, 1}, Bytes{2, 1, 1, 60, 1}, Bytes{0x40},
                              Bytes{0x1c, 0, 0, 9, 1}, Bytes{6, 0xff}}) {
    forget();
    EXPECT_EQ(see(protect(joined({first, Bytes(20), broken}))), Outcome::need_more);
    EXPECT_NE(result_.frames, FrameDefect::none);
    EXPECT_EQ(streams_[0].contiguous().size(), 100U);
  }
}

TEST_F(QuicInitial, KeepsTheFirstOfTwoValues) {
  const Bytes other = test::handshake_hello("www.example.net", 300);
  EXPECT_EQ(see(protect(joined({crypto_frame(0, hello_), crypto_frame(0, other)}))),
            Outcome::found);
  EXPECT_TRUE(result_.conflict);
  EXPECT_EQ(name(), "www.example.com");
  EXPECT_EQ(see(protect(crypto_frame(0, other), {.number = 1})), Outcome::found);
  EXPECT_TRUE(result_.conflict);
}

TEST_F(QuicInitial, TellsOfAHelloOverItsCapacity) {
  const Bytes big = test::handshake_hello("www.example.com", 6000);
  Outcome outcome = Outcome::need_more;
  for (std::size_t at = 0; at < big.size(); at += 1000) {
    outcome = see(protect(crypto_piece(big, at, 1000), {.number = at / 1000}));
  }
  EXPECT_EQ(outcome, Outcome::need_more);
  EXPECT_FALSE(result_.hello.complete);
  EXPECT_TRUE(streams_[0].overflowed());
  forget();
  EXPECT_EQ(see(protect(crypto_frame(std::size_t{1} << 61, hello_))), Outcome::need_more);
}

TEST_F(QuicInitial, TakesOtherMessagesForMalformed) {
  EXPECT_EQ(see(protect(crypto_frame(0, {2, 0, 0, 4, 1, 2, 3, 4}))), Outcome::malformed);
  EXPECT_NE(result_.hello.defect, tls::Defect::none);
}

TEST_F(QuicInitial, FollowsTheServersConnectionId) {
  EXPECT_EQ(see(protect(crypto_piece(hello_, 0, 200))), Outcome::need_more);
  for (const Bytes& server : {kServerId, Bytes{}, Bytes{1, 2, 3}}) {
    const Bytes datagram = protect(crypto_piece(hello_, 200, 9999),
                                   {.destination = server, .number = 1, .keys_from = kFirstId});
    EXPECT_TRUE(may_be_initial(datagram));
    expect_found(datagram);
    EXPECT_FALSE(result_.new_stream);
    EXPECT_EQ(test::to_hex(connection_.origin()->latest.octets()), test::to_hex(server));
    EXPECT_TRUE(connection_.origin()->destination.equals(kFirstId));
  }
}

TEST_F(QuicInitial, StartsAnewAfterRetry) {
  EXPECT_EQ(see(protect(crypto_piece(hello_, 0, 200))), Outcome::need_more);
  const Bytes other = test::handshake_hello("www.example.net", 300);
  const InitialOptions retried = {.destination = kRetryId, .token = Bytes(100, 3), .number = 1};
  EXPECT_EQ(see(protect(crypto_piece(other, 0, 200), retried)), Outcome::need_more);
  EXPECT_TRUE(result_.new_stream);
  EXPECT_FALSE(result_.conflict);
  expect_found(protect(crypto_piece(other, 200, 9999),
                       {.destination = kServerId, .number = 2, .keys_from = kRetryId}),
               "www.example.net");
  EXPECT_TRUE(connection_.origin()->destination.equals(kRetryId));
}

TEST_F(QuicInitial, KeepsTheStreamWhenTheVersionChanges) {
  EXPECT_EQ(see(protect(crypto_piece(hello_, 0, 200))), Outcome::need_more);
  expect_found(protect(
      crypto_piece(hello_, 200, 9999),
      {.version = test::kV2, .destination = kServerId, .number = 1, .keys_from = kFirstId}));
  EXPECT_FALSE(result_.new_stream);
  EXPECT_EQ(connection_.origin()->version, Version::v2);
  expect_found(protect(
      {1}, {.version = test::kV2, .destination = kServerId, .number = 2, .keys_from = kFirstId}));
  EXPECT_EQ(connection_.origin_count, 2);
}

TEST_F(QuicInitial, KeepsAttemptsApart) {
  EXPECT_EQ(see(protect(crypto_piece(hello_, 0, 200))), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.destination = kRetryId})), Outcome::need_more);
  EXPECT_TRUE(result_.new_stream);
  // Another version, to the same connection ID: its server has not answered.
  const Bytes other = test::handshake_hello("www.example.net", 300);
  expect_found(protect(crypto_frame(0, other), {.version = test::kDraft29}), "www.example.net");
  EXPECT_TRUE(result_.new_stream);
  expect_found(protect(crypto_piece(hello_, 200, 9999), {.number = 1}));
  EXPECT_FALSE(result_.new_stream);
  EXPECT_FALSE(result_.conflict);
}

TEST_F(QuicInitial, TellsThatAnAttemptMayHaveBeenForgotten) {
  for (std::uint8_t i = 0; i < 8; ++i) {
    EXPECT_EQ(see(protect({1}, {.destination = Bytes(8, i)})), Outcome::need_more);
    EXPECT_TRUE(result_.new_stream);
    EXPECT_EQ(connection_.forgotten >> result_.stream & 1, i >= kMaxOrigins);
  }
  EXPECT_EQ(connection_.origin_count, kMaxOrigins);
  EXPECT_TRUE(connection_.origin()->destination.equals(Bytes(8, 7)));
}

TEST_F(QuicInitial, ForgetsWhatWasReadFirst) {
  expect_found(protect(crypto_frame(0, hello_), {.destination = Bytes(8, 1)}));
  EXPECT_EQ(see(protect(crypto_piece(hello_, 0, 200))), Outcome::need_more);
  for (std::uint8_t i = 2; i < 20; ++i) {
    expect_found(protect(crypto_frame(0, hello_), {.destination = Bytes(8, i)}));
    EXPECT_EQ(connection_.forgotten, 0);
  }
  expect_found(protect(crypto_piece(hello_, 200, 9999), {.number = 1}));
}

TEST_F(QuicInitial, ReadsANumberWhicheverPacketsTheServerTook) {
  EXPECT_EQ(see(protect({1}, {.number = 0x100, .number_octets = 2})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x10000, .number_octets = 3})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x101})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x10001})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 1})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x2001})), Outcome::malformed);
}

TEST_F(QuicInitial, ReadsPacketNumbersAsTheServerDoes) {
  EXPECT_EQ(see(protect({1}, {.number = 0x1fe, .number_octets = 2})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x1ff})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x201})), Outcome::need_more);
  EXPECT_EQ(connection_.origin()->numbers[0], 0x202U);
  EXPECT_EQ(see(protect({1}, {.number = 0x200})), Outcome::need_more);
  // As a server that saw none of these.
  EXPECT_EQ(see(protect({1}, {.number = 3})), Outcome::need_more);
  EXPECT_EQ(see(protect({1}, {.number = 0x10203})), Outcome::malformed);
}

/// Any cut, order, repetition and mix of frames over any number of packets and datagrams.
TEST_F(QuicInitial, PropertyAnyCutOfTheStreamGivesTheName) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  for (int round = 0; round < 100; ++round) {
    forget();
    const Bytes hello = test::handshake_hello("www.example.com", below(3000));
    std::vector<Bytes> frames;
    const std::size_t most = round % 10 == 0 ? 1 : 1 + below(900);
    for (std::size_t at = 0; at < hello.size();) {
      const std::size_t count = 1 + below(most);
      frames.push_back(crypto_piece(hello, at - std::min(at, below(50)), count + 50));
      at += count;
      if (below(4) == 0) frames.push_back(Bytes{1});
      if (below(4) == 0) frames.push_back(Bytes(below(9)));
      if (below(8) == 0) frames.push_back(frames[below(frames.size())]);
    }
    std::shuffle(frames.begin(), frames.end(), random);
    Outcome outcome = Outcome::need_more;
    std::uint64_t number = 0;
    Bytes payload;
    Bytes datagram;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      payload.insert(payload.end(), frames[i].begin(), frames[i].end());
      const bool last = i + 1 == frames.size();
      if (!last && below(5) != 0) continue;
      test::put(datagram,
                protect(payload, {.version = test::kV2, .number = number++, .number_octets = 4}));
      payload.clear();
      if (!last && below(3) != 0) continue;
      outcome = see(datagram);
      EXPECT_TRUE(outcome == Outcome::found || outcome == Outcome::need_more);
      EXPECT_FALSE(result_.conflict);
      EXPECT_EQ(result_.defect, Defect::none);
      datagram.clear();
    }
    ASSERT_EQ(outcome, Outcome::found) << "round " << round;
    ASSERT_EQ(name(), "www.example.com");
    ASSERT_TRUE(result_.hello.complete);
  }
}

}  // namespace
}  // namespace sluice::inspect::quic
