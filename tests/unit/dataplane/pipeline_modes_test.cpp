// Devices that may reach nothing but curated names, while a mode or their policy has it so.
#include "tests/unit/dataplane/pipeline_modes.h"

namespace sluice::pipeline {
namespace {

TEST_F(PipelineModesTest, OnlyCuratedNamesAreAnswered) {
  EXPECT_EQ(ask("www.learn.org"), Fate::forward);
  EXPECT_EQ(verdict().reason, policy::Reason::curated);
  EXPECT_EQ(ask("img.cdn.net"), Fate::forward);
  EXPECT_EQ(ask("www.permitted.example"), Fate::forward);  // protected
  EXPECT_EQ(ask("a.game.learn.org"), Fate::reply);
  EXPECT_EQ(verdict().reason, policy::Reason::not_curated);
  EXPECT_EQ(ask("elsewhere.net"), Fate::reply);
  EXPECT_EQ(ask(""), Fate::forward);  // the root's servers
}

TEST_F(PipelineModesTest, AnEventTellsTheReasonButNoNameThatNobodyListed) {
  EXPECT_EQ(ask("elsewhere.net"), Fate::reply);
  stats::BlockEvent event;
  ASSERT_TRUE(events_.pop(event));
  EXPECT_EQ(event.reason, policy::Reason::not_curated);
  EXPECT_EQ(event.listed_length, 0);
  EXPECT_EQ(event.layer, generation::Layer::site);
}

TEST_F(PipelineModesTest, AnEndComesByTheClockAlone) {
  EXPECT_EQ(ask("elsewhere.net"), Fate::reply);
  (void)snapshot_->set_time(kEnd);
  EXPECT_EQ(ask("elsewhere.net"), Fate::forward);
  EXPECT_EQ(udp({1, 2, 3}, 5000), Fate::forward);
}

TEST_F(PipelineModesTest, AnAliasOfACuratedNameNeedBeOnNoList) {
  EXPECT_EQ(run(aliases(1), false), Fate::forward);
  EXPECT_EQ(pipeline_->findings().size(), 2U);
}

TEST_F(PipelineModesTest, ABurstWithMoreNamesThanThereIsRoomForLosesNoAnswer) {
  const Bytes frame = aliases(24);
  std::vector<Bytes> frames(kBurst, frame);
  std::vector<Packet> packets;
  for (Bytes& one : frames) {
    packets.push_back({.data = one.data(),
                       .length = static_cast<std::uint32_t>(one.size()),
                       .capacity = static_cast<std::uint32_t>(one.size()),
                       .judge = false,
                       .answers = true});
  }
  pipeline_->process(*snapshot_, packets, 1000);
  EXPECT_EQ(counters_.value(stats::Id::unnamed_refused), 0U);
  for (const Packet& packet : packets) EXPECT_EQ(packet.fate, Fate::forward);
}

TEST_F(PipelineModesTest, WhoseAFrameIsThatEndsTooSoonIsNotReadBehindIt) {
  use({.word = "study",
       .address = policy::parse_prefix("192.0.2.77/32").value(),
       .policy = "lesson"});
  for (const std::uint8_t behind : {0, 1}) {
    Bytes frame = test::frame({});
    const std::array<std::uint8_t, 4> address = {192, 0, 2, 77};
    std::copy(address.begin(), address.end(), frame.begin() + 26);  // of a frame before
    frame[26 + 3] ^= behind;
    Packet packet{.data = frame.data(), .length = 20, .capacity = 20, .judge = true};
    pipeline_->process(*snapshot_, {&packet, 1}, 1000);
    EXPECT_EQ(packet.fate, Fate::forward) << int{behind};
  }
}

TEST_F(PipelineModesTest, AConnectionPassesUnderItsName) {
  EXPECT_EQ(tcp({}, 1, kSyn, 99), Fate::forward);
  EXPECT_EQ(tcp_answer("", 1, 0x12), Fate::forward);
  EXPECT_EQ(tcp({}, 1, 0x10), Fate::forward);
  const Bytes good = test::client_hello(test::server_name({"www.learn.org"}));
  EXPECT_EQ(tcp({good.begin(), good.begin() + 40}, 1), Fate::forward);  // undecided as yet
  EXPECT_EQ(tcp({good.begin() + 40, good.end()}, 1, 0x18, 140), Fate::forward);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  EXPECT_EQ(tcp({1, 2, 3}, 1, 0x18, 5000), Fate::forward);
  EXPECT_EQ(counters_.value(stats::Id::unnamed_refused), 0U);
  EXPECT_EQ(hello("www.elsewhere.net", 2), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
}

TEST_F(PipelineModesTest, WhatCarriesNoNameIsRefused) {
  Bytes banner;
  test::put(banner, "SSH-2.0-OpenSSH_9.2\r\n");
  EXPECT_EQ(tcp(banner, 1), Fate::drop);  // another protocol
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
  EXPECT_EQ(tcp_answer("220 mail", 2), Fate::drop);       // a server that speaks first
  EXPECT_EQ(tcp(test::client_hello({}), 3), Fate::drop);  // no server name
  EXPECT_EQ(udp({1, 2, 3, 4}, 5000), Fate::drop);
  EXPECT_EQ(udp(Bytes(2000, 7), 123), Fate::drop);  // too long for the time
  EXPECT_EQ(
      run(turned(test::frame({1, 2, 3}, {.source_port = 5000, .destination_port = 4000})), false),
      Fate::drop);
  EXPECT_EQ(counters_.value(stats::Id::unnamed_refused), 6U);
}

TEST_F(PipelineModesTest, WhatANetworkNeedsPasses) {
  EXPECT_EQ(udp(dhcp(), 67), Fate::forward);
  EXPECT_EQ(run(turned(test::frame(dhcp(), {.source_port = 4000, .destination_port = 68})), false),
            Fate::forward);
  EXPECT_EQ(udp(ntp(), 123), Fate::forward);
  EXPECT_EQ(udp(Bytes(48, 1), 5353, 224), Fate::forward);
  Bytes arp = test::frame({1, 2, 3});
  arp[12] = 8;
  arp[13] = 6;
  EXPECT_EQ(run(arp), Fate::forward);
  for (const auto& [type, fate] : {std::pair{std::uint8_t{3}, Fate::forward}, {8, Fate::drop}}) {
    Bytes icmp = test::frame(Bytes(20, type), {.protocol = 17});
    icmp[23] = 1;
    icmp[34] = type;
    EXPECT_EQ(run(icmp), fate) << int{type};
  }
}

TEST_F(PipelineModesTest, ANeededPortIsNoReason) {
  // Tunnels are often set up on these ports, for they are open where others are not.
  const Bytes wireguard = {4, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 0, 0, 0, 0, 0};
  for (const std::uint16_t port : {67, 68, 123, 546, 547}) {
    Bytes data = wireguard;
    for (const std::size_t octets : {std::size_t{32}, std::size_t{300}, std::size_t{1300}}) {
      data.resize(octets, 0x5a);
      EXPECT_EQ(udp(data, port), Fate::drop) << port << " " << octets;
      EXPECT_EQ(
          run(turned(test::frame(data, {.source_port = port, .destination_port = 68})), false),
          Fate::drop)
          << port << " " << octets;
    }
  }
}

TEST_F(PipelineModesTest, ATunnelOfWhatIsNotIpIsIpAllTheSame) {
  const auto fate_of = [&](std::uint8_t protocol, Bytes payload) {
    Bytes frame = test::frame(payload, {.protocol = 17});
    frame[23] = protocol;
    std::copy(payload.begin(), payload.end(), frame.begin() + 34);
    return run(frame);
  };
  // PPTP (RFC 2637 4.1) with MPPE (RFC 3078): PPP of protocol 0x00fd.
  EXPECT_EQ(
      fate_of(47, {0x30, 0x01, 0x88, 0x0b, 0, 40, 0, 1, 0, 0, 0, 1, 0, 0xfd, 0x90, 0, 1, 2, 3, 4}),
      Fate::drop);
  EXPECT_EQ(fate_of(47, {0, 0, 0x88, 0xb5, 1, 2, 3, 4, 5, 6, 7, 8}), Fate::drop);
  EXPECT_EQ(fate_of(4, {1, 2, 3, 4, 5, 6, 7, 8}), Fate::drop);
  EXPECT_EQ(fate_of(4, {0x45, 2, 3, 4, 5, 6, 7, 8}), Fate::drop);  // of no whole header
}

TEST_F(PipelineModesTest, AFragmentThatIsNotPutTogetherIsRefused) {
  const auto fragment = [](std::size_t offset, bool more) {
    Bytes frame = test::frame(Bytes(1400, 7), {.destination_port = 5000});
    frame[18] = 0x12;
    frame[20] = static_cast<std::uint8_t>((more ? 0x20 : 0) | (offset / 8) >> 8);
    frame[21] = static_cast<std::uint8_t>(offset / 8);
    frame[24] = frame[25] = 0;
    std::uint32_t sum = 0;
    for (std::size_t i = 14; i < 34; i += 2) sum += frame[i] << 8U | frame[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    frame[24] = static_cast<std::uint8_t>(sum >> 8);
    frame[25] = static_cast<std::uint8_t>(sum);
    return frame;
  };
  EXPECT_EQ(run(fragment(0, true)), Fate::forward);  // nothing without the others
  EXPECT_EQ(run(fragment(1408 * 7, false)), Fate::drop);
  EXPECT_EQ(counters_.value(stats::Id::fragment_too_large), 1U);
}

TEST_F(PipelineModesTest, ADatagramHelloWithoutANameIsRefused) {
  const Bytes hello = test::client_hello({});
  Bytes dtls = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0};
  Bytes body(hello.begin() + 9, hello.end());
  body.insert(body.begin() + 35, 0);  // the cookie, behind the session identifier, if that is empty
  test::put16(dtls, static_cast<unsigned>(12 + body.size()));
  const auto octets = static_cast<std::uint8_t>(body.size());
  ASSERT_LT(body.size(), 256U);
  for (const std::uint8_t one : {1, 0, 0, int{octets}, 0, 0, 0, 0, 0, 0, 0, int{octets}}) {
    dtls.push_back(one);
  }
  dtls.insert(dtls.end(), body.begin(), body.end());
  EXPECT_EQ(udp(dtls, 4433), Fate::drop);
  EXPECT_EQ(udp(Bytes(60, 23), 4433), Fate::drop);
  EXPECT_EQ(counters_.value(stats::Id::dtls_client_hellos) +
                counters_.value(stats::Id::tls_no_name) +
                counters_.value(stats::Id::dtls_malformed),
            1U);
}

TEST_F(PipelineModesTest, WithoutANamePassesWhereThePolicySaysSo) {
  use({.word = "study", .group = "default", .policy = "lesson"}, false);
  EXPECT_EQ(udp({1, 2, 3, 4}, 5000), Fate::forward);
  EXPECT_EQ(tcp_answer("220 mail", 2), Fate::forward);
  EXPECT_EQ(ask("elsewhere.net"), Fate::reply);
}

TEST_F(PipelineModesTest, AnotherModeJudgesOpenConnectionsAnew) {
  EXPECT_EQ(hello("www.learn.org", 1), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  use({.word = "exam", .group = "default", .policy = "exam"});
  EXPECT_EQ(tcp_answer("server's", 1), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
  EXPECT_EQ(hello("www.paper.net", 2), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 2), Fate::forward);
}

TEST_F(PipelineModesTest, AListInAnothersPlaceLetsNothingOfItThrough) {
  EXPECT_EQ(hello("www.learn.org", 1), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  policy::PolicySet set;
  set.curated = {{"exam", {"paper.net"}, {}, {}}, {"lessons", {"learn.org"}, {}, {}}};
  set.policies = {{.name = "exam", .only = policy::Only{.lists = 1}}};
  set.default_policy = "exam";
  auto snapshot = index::Snapshot::build(fuzz::make_generation(), set, {}, 1);
  ASSERT_TRUE(snapshot);
  snapshot_ = std::move(*snapshot);
  EXPECT_EQ(tcp_answer("server's", 1), Fate::drop);
  EXPECT_EQ(hello("www.paper.net", 2), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 2), Fate::forward);
}

// The school goes by a list, the parents by categories.
TEST_F(PipelineModesTest, OfTwoOwnersEachHasToLetANameThrough) {
  const auto parents_let = [&](std::initializer_list<const char*> categories) {
    policy::PolicySet set;
    set.curated = {{"lessons", {"learn.org", "learn.com"}, {}, {}}};
    set.policies = {{.name = "lesson", .only = policy::Only{.lists = 1}},
                    {.name = "layer/parents", .only = policy::Only{}}};
    for (const char* one : categories) {
      set.policies[1].only->categories |= policy::bit(policy::find_category(one)->id);
    }
    set.layers = {{"layer/parents", "Parents", true, {}}};
    set.default_policy = "lesson";
    PipelineCase::use(set);
    (void)snapshot_->set_time(0);
  };
  parents_let({"video", "novels"});
  EXPECT_EQ(ask("www.learn.com"), Fate::forward);
  EXPECT_EQ(verdict().reason, policy::Reason::curated);
  EXPECT_EQ(ask("www.learn.org"), Fate::reply);  // in no category
  EXPECT_EQ(verdict().reason, policy::Reason::not_curated);
  EXPECT_EQ(ask("www.other.com"), Fate::reply);  // on no list
  EXPECT_EQ(hello("www.learn.com", 1), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  EXPECT_EQ(hello("www.learn.org", 2), Fate::drop);
  EXPECT_EQ(hello("www.other.com", 3), Fate::drop);
  EXPECT_EQ(counters_.value(stats::Id::unnamed_refused), 0U);
  // What is open goes on only as long as each of them admits it.
  parents_let({"games", "video"});
  EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  parents_let({"games"});
  EXPECT_EQ(tcp_answer("server's", 1), Fate::drop);
  EXPECT_EQ(counters_.value(stats::Id::unnamed_refused), 1U);
}

TEST_F(PipelineModesTest, ACaptureTellsOfNoFrameFromWhichSideItCame) {
  both_ = true;
  EXPECT_EQ(hello("www.learn.org", 1), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  EXPECT_EQ(tcp_answer("\x01\x02\x03", 2), Fate::drop);
  EXPECT_EQ(udp({1, 2, 3, 4}, 5000), Fate::drop);
}

TEST_F(PipelineModesTest, AConnectionThatWasOpenBeforeEnds) {
  use({.word = "study", .group = "nobody", .policy = "lesson"});
  EXPECT_EQ(hello("www.learn.org", 1), Fate::forward);
  EXPECT_EQ(tcp_answer("server's", 1), Fate::forward);
  use({.word = "pause", .group = "default", .policy = "exam"});
  EXPECT_EQ(tcp({1, 2, 3}, 1, 0x18, 9000), Fate::drop);
  EXPECT_EQ(ask("www.learn.org"), Fate::reply);
  EXPECT_EQ(verdict().reason, policy::Reason::paused);
}

TEST_F(PipelineModesTest, AServerSaysNothingBeforeTheHelloIsThere) {
  const Bytes good = test::client_hello(test::server_name({"www.learn.org"}));
  EXPECT_EQ(tcp({}, 1, kSyn, 99), Fate::forward);
  EXPECT_EQ(tcp({good.begin(), good.begin() + 8}, 1), Fate::forward);
  EXPECT_EQ(tcp_answer("", 1, 0x10), Fate::forward);
  EXPECT_EQ(tcp_answer("a download", 1), Fate::drop);
}

// Another message has begun behind the one without a name.
TEST_F(PipelineModesTest, NorBehindARequestWithoutAName) {
  Bytes start;
  test::put(start, "GET / HTTP/1.0\r\n");
  Bytes rest;
  test::put(rest, "\r\nGET /");
  EXPECT_EQ(tcp({}, 1, kSyn, 99), Fate::forward);
  EXPECT_EQ(tcp(start, 1), Fate::forward);
  EXPECT_EQ(tcp(rest, 1, 0x18, static_cast<std::uint32_t>(100 + start.size())), Fate::drop);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(tcp_answer("a download", 1), Fate::drop);
}

TEST_F(PipelineModesTest, AResetThatCarriesOctetsIsNotAnswered) {
  EXPECT_EQ(tcp({}, 1, 0x04), Fate::forward);
  EXPECT_EQ(tcp(Bytes(800, 7), 1, 0x14), Fate::drop);
  EXPECT_TRUE(pipeline_->emissions().empty());
  EXPECT_EQ(tcp_answer(std::string(800, 'x'), 1, 0x14), Fate::drop);
  EXPECT_TRUE(pipeline_->emissions().empty());
}

// Whichever way the frames of one of many groups tell it, and to both sides; and no other's.
TEST_F(PipelineModesTest, OneGroupOfMany) {
  const Bytes any = test::frame({1});
  policy::Mac mac{};
  std::copy(any.begin() + 6, any.begin() + 12, mac.begin());
  const auto prefix = [](const char* text) { return policy::parse_placed_prefix(text).value(); };
  const std::vector<std::pair<const char*, policy::Group>> ways = {
      {"MAC", {.macs = {mac}}},
      {"address", {.prefixes = {prefix("192.0.2.2/32")}}},
      {"network", {.prefixes = {prefix("192.0.2.0/24")}}},
      {"network in a VLAN", {.prefixes = {prefix("192.0.2.0/24@7")}}},
      {"VLAN", {.vlans = {{7, 0}}}},
      {"port", {.ports = {"in"}}}};
  const auto use_group = [&](policy::Group group, const char* policy) {
    policy::PolicySet set;
    set.curated = {{"lessons", {"learn.org"}, {}, {}}};
    set.policies = {{.name = "open"}, {.name = "lesson", .only = policy::Only{.lists = 1}}};
    set.default_policy = "open";
    for (std::uint16_t i = 100; i < 110; ++i) {
      set.groups.push_back({.name = std::to_string(i), .policy = "open", .vlans = {{i, 0}}});
    }
    group.name = "class";
    group.policy = policy;
    set.groups.push_back(std::move(group));
    const std::string port = "in";
    auto snapshot = index::Snapshot::build(fuzz::make_generation(), set, {&port, 1}, 1);
    ASSERT_TRUE(snapshot);
    snapshot_ = std::move(*snapshot);
    (void)snapshot_->set_time(0);
  };
  const auto tagged = [](Bytes frame, std::uint8_t vlan) {
    frame.insert(frame.begin() + 12, {0x81, 0, 0, vlan});
    return frame;
  };
  const Bytes asked = test::frame(test::dns_query("elsewhere.net"));
  const Bytes said = turned(test::frame({1, 2, 3}, {.protocol = 6, .source_port = 443}));
  for (const auto& [way, group] : ways) {
    SCOPED_TRACE(way);
    use_group(group, "lesson");
    ASSERT_TRUE(snapshot_->now().curated_claims);
    EXPECT_EQ(run(tagged(asked, 7)), Fate::reply);
    EXPECT_EQ(run(tagged(said, 7), false), Fate::drop);
    EXPECT_EQ(run(tagged(test::frame(test::dns_query("learn.org")), 7)), Fate::forward);
    use_group({.vlans = {{9, 0}}}, "lesson");  // another one
    EXPECT_EQ(run(tagged(asked, 7)), Fate::forward);
    EXPECT_EQ(run(tagged(said, 7), false), Fate::forward);
  }
}

TEST_F(PipelineModesTest, OneDeviceAlone) {
  policy::Mac mac{};
  const Bytes any = test::frame({1});
  std::copy(any.begin() + 6, any.begin() + 12, mac.begin());
  use({.word = "study", .mac = mac, .policy = "lesson"});
  EXPECT_EQ(ask("elsewhere.net"), Fate::reply);
  EXPECT_EQ(tcp_answer("220 mail", 2), Fate::drop);
  Bytes other = test::frame(test::dns_query("elsewhere.net"));
  other[11] ^= 1;
  EXPECT_EQ(run(other), Fate::forward);
}

}  // namespace
}  // namespace sluice::pipeline
