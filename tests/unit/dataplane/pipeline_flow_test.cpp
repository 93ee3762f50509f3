// Flows through the pipeline, where a capture cannot show it: time, floods, policies, two sides.
#include "tests/unit/dataplane/pipeline_flow.h"

#include <random>

namespace sluice::pipeline {
namespace {

TEST_F(PipelineFlowTest, ASynFloodDecidesNothing) {
  EXPECT_EQ(tcp(part(bad_, 0, 30), 1, 100), Fate::forward);
  const std::uint32_t held = pipeline_->flows().size();
  for (std::uint32_t n = 0; n < 200'000; ++n) {
    Bytes syn = test::frame({}, {.protocol = 6,
                                 .source_port = static_cast<std::uint16_t>(n),
                                 .destination_port = static_cast<std::uint16_t>(n >> 16),
                                 .sequence = n,
                                 .tcp_flags = 0x02});
    ASSERT_EQ(run(syn), Fate::forward);
  }
  EXPECT_EQ(pipeline_->flows().size(), held);
  EXPECT_EQ(tcp(part(bad_, 30, bad_.size()), 1, 130), Fate::drop);
}

TEST_F(PipelineFlowTest, FullOfUndecidedFlowsItAsksThePolicy) {
  const auto flood = [&] {
    for (std::uint32_t n = 0; n < flow::kMaxFlows + 10; ++n) {
      (void)tcp({0x16, 0x03}, static_cast<std::uint16_t>(n), 100, 0x18,
                static_cast<std::uint16_t>(1000 + (n >> 13)));
    }
  };
  flood();
  EXPECT_GT(count(stats::Id::flow_table_full), 0U);
  EXPECT_EQ(tcp(bad_, 60000, 5), Fate::forward) << "lenient: passes, counted";
  use(true);
  EXPECT_EQ(tcp(good_, 60001, 5), Fate::drop) << "strict: refused";
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
  now_ms_ += 2000;
  EXPECT_EQ(tcp(bad_, 60002, 5), Fate::drop) << "an old flow makes room";
  EXPECT_EQ(count(stats::Id::tls_blocked), 1U);
}

TEST_F(PipelineFlowTest, UndecidedFlowsAndTombstonesEnd) {
  EXPECT_EQ(tcp(bad_, 1, 100), Fate::drop);
  EXPECT_EQ(tcp({1, 2, 3}, 1, 100), Fate::drop);
  EXPECT_EQ(count(stats::Id::flow_refused_again), 1U);
  EXPECT_EQ(tcp(part(bad_, 0, 30), 2, 100), Fate::forward);
  now_ms_ += flow::kLifetimeMs;
  EXPECT_EQ(tcp({1, 2, 3}, 1, 100), Fate::forward);
  EXPECT_EQ(pipeline_->flows().size(), 0U);
  EXPECT_EQ(count(stats::Id::flow_expired), 2U);
}

TEST_F(PipelineFlowTest, ASynWithinAConnectionErasesNothing) {
  const Bytes start = part(bad_, 0, 30);
  const Bytes rest = part(bad_, 30, bad_.size());
  constexpr std::uint8_t kSyn = 0x02;
  // The same one again, and one with another number, before and within the ClientHello.
  std::uint16_t port = 0;
  for (const std::uint32_t other : {99U, 5'000'000U}) {
    ++port;
    EXPECT_EQ(tcp({}, port, 99, kSyn), Fate::forward);
    EXPECT_EQ(tcp({}, port, other, kSyn), Fate::forward);
    EXPECT_EQ(tcp(start, port, 100), Fate::forward);
    EXPECT_EQ(tcp({}, port, other, kSyn), Fate::forward);
    EXPECT_EQ(tcp(rest, port, 130), Fate::drop);
  }
  // And another connection on its ports is read as one.
  EXPECT_EQ(tcp({}, 3, 99, kSyn), Fate::forward);
  EXPECT_EQ(tcp(start, 3, 100), Fate::forward);
  EXPECT_EQ(tcp({}, 3, 5'000'000, kSyn), Fate::forward);
  EXPECT_EQ(tcp(rest, 3, 5'000'031), Fate::forward);
  EXPECT_EQ(tcp(start, 3, 5'000'001), Fate::drop);
}

TEST_F(PipelineFlowTest, ASegmentMayBeginBeforeTheStream) {
  EXPECT_EQ(tcp({}, 1, 99, 0x02), Fate::forward);
  Bytes whole = {'x'};
  test::put(whole, bad_);
  EXPECT_EQ(tcp(whole, 1, 99), Fate::drop);
}

TEST_F(PipelineFlowTest, TheStartIsReadWhateverCameAheadOfIt) {
  EXPECT_EQ(tcp({}, 1, 99, 0x02), Fate::forward);
  EXPECT_EQ(tcp(good_, 1, 100'100), Fate::forward);
  EXPECT_EQ(tcp(bad_, 1, 100), Fate::drop);
}

TEST_F(PipelineFlowTest, MoreCopiesThanCanBeJudgedAreWithheld) {
  EXPECT_EQ(tcp({}, 1, 99, 0x02), Fate::forward);
  for (std::uint8_t n = 0; n < flow::kMaxReadings; ++n) {
    EXPECT_EQ(tcp(Bytes(good_.size(), n), 1, 100), Fate::forward);
  }
  EXPECT_EQ(tcp(Bytes(good_.size(), 2), 1, 100), Fate::forward) << "one that is known";
  EXPECT_EQ(tcp(bad_, 1, 100), Fate::drop);
  EXPECT_EQ(tcp(part(bad_, 0, 40), 1, 100), Fate::drop);
  EXPECT_EQ(count(stats::Id::flow_conflict_again), 2U);
}

TEST_F(PipelineFlowTest, PropertyNoChoiceOfCopiesHoldsAListedName) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto below = [&](std::size_t bound) { return random() % bound; };
  const Bytes get = request("www.example.com");
  struct Segment {
    std::size_t from;
    Bytes octets;
    bool meant;  // and not a decoy that the server never takes
  };
  for (std::uint16_t port = 1; port < 3000; ++port) {
    const Bytes& meant = below(2) == 0 ? bad_ : get;
    std::vector<std::size_t> cuts = {0, meant.size()};
    for (std::size_t i = below(4); i > 0; --i) cuts.push_back(below(meant.size()));
    std::sort(cuts.begin(), cuts.end());
    std::vector<Segment> segments;
    for (std::size_t i = 1; i < cuts.size(); ++i) {
      if (cuts[i - 1] == cuts[i]) continue;
      segments.push_back({cuts[i - 1], part(meant, cuts[i - 1], cuts[i]), true});
    }
    for (std::size_t i = below(5); i > 0; --i) {
      const Bytes& of = below(2) == 0 ? good_ : bad_;
      const std::size_t from = below(3) == 0 ? 0 : cuts[below(cuts.size() - 1)];
      Bytes octets = part(of, std::min(from, of.size()), of.size());
      octets.resize(below(3) == 0 ? octets.size() : below(octets.size() + 1));
      if (below(3) == 0) std::fill(octets.begin(), octets.end(), std::uint8_t{0});
      if (!octets.empty()) segments.push_back({from, octets, false});
    }
    std::shuffle(segments.begin(), segments.end(), random);
    now_ms_ += 100;  // so that there is always room
    EXPECT_EQ(tcp({}, port, 99, 0x02, 80), Fate::forward);
    bool withheld = false;
    for (const Segment& segment : segments) {
      const Fate fate =
          tcp(segment.octets, port, static_cast<std::uint32_t>(100 + segment.from), 0x18, 80);
      withheld = withheld || (segment.meant && fate == Fate::drop);
    }
    std::string order;
    for (const Segment& segment : segments) {
      order += " " + std::to_string(segment.from) + "+" + std::to_string(segment.octets.size()) +
               (segment.meant ? " meant," : " decoy,");
    }
    ASSERT_TRUE(withheld) << port << order;
  }
}

TEST_F(PipelineFlowTest, AHelloInPiecesInPlaceOfOneThatPassed) {
  const std::size_t cut = bad_.size() - 10;
  std::uint16_t port = 0;
  for (const Bytes& decoy : {test::client_hello(test::server_name({"x.permitted.org"})),
                             part(bad_, 0, 60), Bytes(30), Bytes(bad_.size()), request("a.org")}) {
    ++port;  // in order
    EXPECT_EQ(tcp({}, port, 99, 0x02), Fate::forward);
    EXPECT_EQ(tcp(decoy, port, 100), Fate::forward);
    EXPECT_EQ(tcp(part(bad_, 0, cut), port, 100), Fate::forward);
    EXPECT_EQ(tcp(part(bad_, cut, bad_.size()), port, static_cast<std::uint32_t>(100 + cut)),
              Fate::drop)
        << port;
    ++port;  // and reversed
    EXPECT_EQ(tcp({}, port, 99, 0x02), Fate::forward);
    EXPECT_EQ(tcp(decoy, port, 100), Fate::forward);
    EXPECT_EQ(tcp(part(bad_, cut, bad_.size()), port, static_cast<std::uint32_t>(100 + cut)),
              Fate::forward);
    EXPECT_EQ(tcp(part(bad_, 0, cut), port, 100), Fate::drop) << port;
  }
}

TEST_F(PipelineFlowTest, ALongBodyTakesNoRoom) {
  Bytes post = request("www.permitted.org", "Content-Length: 100000\r\n");
  EXPECT_EQ(tcp(post, 1, 100, 0x18, 80), Fate::forward);
  std::uint32_t at = 100 + static_cast<std::uint32_t>(post.size());
  const std::uint32_t end = at + 100'000;
  for (; at < end; at += 1000) EXPECT_EQ(tcp(Bytes(1000, 'x'), 1, at, 0x18, 80), Fate::forward);
  EXPECT_EQ(tcp(request("www.example.com"), 1, at, 0x18, 80), Fate::drop);
  EXPECT_EQ(count(stats::Id::flow_too_long), 0U);
}

TEST_F(PipelineFlowTest, WhatFollowsAHelloThatIsNotAnsweredHereIsNotHeld) {
  use(true);
  EXPECT_EQ(tcp({}, 1, 99, 0x02), Fate::forward);
  EXPECT_EQ(tcp(good_, 1, 100), Fate::forward);
  Bytes record = {23, 3, 3, 4, 0};
  record.resize(1029);
  // The first one was lost on its way here.
  std::uint32_t at = 100 + static_cast<std::uint32_t>(good_.size() + record.size());
  for (int i = 0; i < 100; ++i, at += 1029) EXPECT_EQ(tcp(record, 1, at), Fate::forward);
  EXPECT_EQ(count(stats::Id::flow_too_long), 0U);
}

TEST_F(PipelineFlowTest, ARequestGoesOnAfterTheAnswerToTheOneBefore) {
  Bytes first = request("www.permitted.org");
  const Bytes second = request("www.example.com");
  const std::size_t octets = first.size();
  test::put(first, part(second, 0, 20));
  EXPECT_EQ(tcp(first, 1, 100, 0x18, 80), Fate::forward);
  EXPECT_EQ(answer("HTTP/1.1 200 OK", 1), Fate::forward);
  EXPECT_EQ(tcp(part(second, 20, second.size()), 1, static_cast<std::uint32_t>(100 + octets + 20),
                0x18, 80),
            Fate::drop);
}

TEST_F(PipelineFlowTest, AnInterimAnswerEndsNothing) {
  const Bytes first =
      request("www.permitted.org", "Content-Length: 30\r\nExpect: 100-continue\r\n");
  const auto octets = static_cast<std::uint32_t>(first.size());
  EXPECT_EQ(tcp(first, 1, 100, 0x18, 80), Fate::forward);
  EXPECT_EQ(answer("HTTP/1.1 100 Continue\r\n\r\n", 1), Fate::forward);
  // The body looks like a request, and is none.
  const Bytes body = part(request("www.example.com"), 0, 30);
  EXPECT_EQ(tcp(body, 1, 100 + octets, 0x18, 80), Fate::forward);
  EXPECT_EQ(tcp(request("www.example.com"), 1, 130 + octets, 0x18, 80), Fate::drop);
}

TEST_F(PipelineFlowTest, ARequestToUpgradeEndsNothing) {
  Bytes both = request("www.permitted.org", "Connection: Upgrade\r\nUpgrade: h2c\r\n");
  test::put(both, request("www.example.com"));
  EXPECT_EQ(tcp(both, 1, 100, 0x18, 80), Fate::drop);
}

TEST_F(PipelineFlowTest, ARequestInPlaceOfOneThatPassedIsReadToo) {
  EXPECT_EQ(tcp({}, 1, 99, 0x02, 80), Fate::forward);
  EXPECT_EQ(tcp(request("www.permitted.org"), 1, 100, 0x18, 80), Fate::forward);
  EXPECT_EQ(tcp(request("www.example.com"), 1, 100, 0x18, 80), Fate::drop);
}

TEST_F(PipelineFlowTest, WaitsAsLongAsServersDo) {
  EXPECT_EQ(tcp(part(bad_, 0, 30), 1, 100), Fate::forward);
  now_ms_ += 61'000;
  EXPECT_EQ(tcp({}, 2, 1), Fate::forward);
  EXPECT_EQ(tcp(part(bad_, 30, bad_.size()), 1, 130), Fate::drop);
}

TEST_F(PipelineFlowTest, AServerNameMayHaveAPort) {
  EXPECT_EQ(tcp(test::client_hello(test::server_name({"www.example.com:443"})), 1, 100),
            Fate::drop);
  EXPECT_EQ(tcp(test::client_hello(test::server_name({"www.example.com:x:y"})), 2, 100),
            Fate::drop);
}

TEST_F(PipelineFlowTest, AClientsResetEndsNothingThatIsKept) {
  EXPECT_EQ(tcp(part(bad_, 0, 30), 1, 100), Fate::forward);
  EXPECT_EQ(tcp({}, 1, 130, 0x04), Fate::forward);
  EXPECT_EQ(tcp({}, 1, 130, 0x11), Fate::forward);
  EXPECT_EQ(tcp(part(bad_, 30, bad_.size()), 1, 130), Fate::drop);
}

TEST_F(PipelineFlowTest, AnAcksPaddingIsNoStream) {
  EXPECT_EQ(tcp({}, 1, 99, 0x02), Fate::forward);
  EXPECT_EQ(tcp({0, 0, 0, 0, 0, 0}, 1, 100), Fate::forward);
  EXPECT_EQ(tcp(bad_, 1, 100), Fate::drop);
  EXPECT_EQ(count(stats::Id::flow_conflict_again), 0U);
}

TEST_F(PipelineFlowTest, TlsOnPort53IsTls) {
  EXPECT_EQ(tcp(bad_, 1, 100, 0x18, 53), Fate::drop);
  EXPECT_EQ(count(stats::Id::tls_blocked), 1U);
}

TEST_F(PipelineFlowTest, TheServersAnswerEndsAPass) {
  EXPECT_EQ(tcp(good_, 40000, 100), Fate::forward);
  EXPECT_EQ(pipeline_->flows().size(), 1U);
  Bytes answer = test::frame({0x16, 3, 3, 0, 2, 2, 0},
                             {.protocol = 6, .source_port = 443, .destination_port = 40000});
  std::swap_ranges(answer.begin() + 26, answer.begin() + 30, answer.begin() + 30);
  EXPECT_EQ(run(answer, false), Fate::forward);
  EXPECT_EQ(pipeline_->flows().size(), 0U);
}

TEST_F(PipelineFlowTest, TellsRealEchByWhatDnsOffered) {
  Bytes extensions = test::server_name({"public.permitted.org"});
  test::put(extensions, test::extension(0xfe0d, {0, 0, 1, 0, 1, 42, 0, 0, 0, 0}));
  const Bytes hello = test::client_hello(extensions);
  EXPECT_EQ(tcp(hello, 1, 100), Fate::forward);
  EXPECT_EQ(count(stats::Id::ech_grease), 1U);
  EXPECT_EQ(pipeline_->findings()[0].ech, Ech::grease);

  // An HTTPS answer with ech: one ECHConfig, config id 42, of public.permitted.org.
  Bytes contents = {42, 0, 0x20, 0, 2, 9, 9, 0, 4, 0, 1, 0, 1, 0, 20};
  test::put(contents, "public.permitted.org");
  test::put(contents, Bytes{0, 0});
  Bytes config = {0xfe, 0x0d};
  test::put16(config, static_cast<unsigned>(contents.size()));
  test::put(config, contents);
  Bytes data = {0, 1, 0, 0, 5};
  test::put16(data, static_cast<unsigned>(config.size() + 2));
  test::put16(data, static_cast<unsigned>(config.size()));
  test::put(data, config);
  Bytes response = test::dns_query("www.permitted.org", {.type = 65, .flags = 0x8180});
  response[7] = 1;
  test::put(response, Bytes{0xc0, 12, 0, 65, 0, 1, 0, 0, 1, 0});
  test::put16(response, static_cast<unsigned>(data.size()));
  test::put(response, data);
  EXPECT_EQ(run(test::frame(response, {.source_port = 53, .destination_port = 40000}), false),
            Fate::forward);
  EXPECT_EQ(tcp(hello, 2, 100), Fate::forward);
  EXPECT_EQ(count(stats::Id::ech_real), 1U);
  EXPECT_EQ(pipeline_->findings()[0].ech, Ech::real);
}

TEST_F(PipelineFlowTest, AStormOfRefusalsIsLimitedForEachClient) {
  for (std::uint32_t n = 0; n < flow::Limiter::kBurst + 100; ++n) {
    EXPECT_EQ(tcp(bad_, static_cast<std::uint16_t>(1024 + n), 100), Fate::drop);
  }
  EXPECT_EQ(count(stats::Id::refusals_limited), 100U);
}

TEST_F(PipelineFlowTest, TellsRecordsOfAnyVersionFromADnsLength) {
  Bytes odd = bad_;
  odd[1] = 2;
  for (std::uint32_t at = 0; at + 1 < odd.size(); ++at) {
    EXPECT_EQ(tcp(part(odd, at, at + 1), 1, 100 + at), Fate::forward) << at;
  }
  const auto last = static_cast<std::uint32_t>(odd.size()) - 1;
  EXPECT_NE(tcp(part(odd, last, odd.size()), 1, 100 + last), Fate::forward);
  // A query that is as long as a record's first octets say.
  Bytes padding = {0, 12, 0, 0};
  padding.resize(0x1602 - test::dns_query("www.example.com", {.opt = true}).size());
  packet::store16(&padding[2], static_cast<std::uint16_t>(padding.size() - 4));
  const Bytes query = test::dns_query("www.example.com", {.opt = true, .options = padding});
  ASSERT_EQ(query.size(), 0x1602U);
  Bytes stream = {0x16, 0x02};
  test::put(stream, query);
  EXPECT_EQ(tcp(part(stream, 0, 3), 2, 100, 0x18, 53), Fate::forward);
  std::uint32_t at = 3;
  for (; at + 1000 < stream.size(); at += 1000) {
    EXPECT_EQ(tcp(part(stream, at, at + 1000), 2, 100 + at, 0x18, 53), Fate::forward);
  }
  EXPECT_NE(tcp(part(stream, at, stream.size()), 2, 100 + at, 0x18, 53), Fate::forward);
}

}  // namespace
}  // namespace sluice::pipeline
