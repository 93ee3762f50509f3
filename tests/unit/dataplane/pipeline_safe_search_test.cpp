// Queries for a search engine's name, and what comes back.
#include "tests/fuzz/reply_check.h"
#include "tests/unit/dataplane/safe_search.h"

namespace sluice::pipeline {
namespace {

using stats::Id;
using test::dns_query;
using test::wire_name;

class SafeSearchTest : public SafeSearchCase {};

TEST_F(SafeSearchTest, AQueryIsAskedForTheSafeName) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(payload(), dns_query("safe.find.net"));
  EXPECT_EQ(pipeline_->findings()[0].verdict.action, policy::Action::rewrite);
  EXPECT_EQ(pipeline_->findings()[0].verdict.reason, policy::Reason::safe_search);
  EXPECT_EQ(count(Id::dns_rewritten), 1U);
  EXPECT_EQ(count(Id::verdict_rewrite), 1U);
  EXPECT_EQ(ask(dns_query("FIND.net", {.type = kAaaa})), Fate::rewrite);
  EXPECT_EQ(payload(), dns_query("safe.find.net", {.type = kAaaa}));
  use_level(policy::SafeSearch::moderate);
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(payload(), dns_query("moderate.find.net"));
}

TEST_F(SafeSearchTest, TheAnswerComesBackUnderTheNameThatWasAskedFor) {
  EXPECT_EQ(ask(dns_query("wWw.FiNd.NeT")), Fate::rewrite);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered,
                          {{packed(12), kA, 200, address_}, {packed(12), kA, 100, {1, 2, 3, 4}}})),
      Fate::rewrite);
  // 12 + www.find.net (14) + 4 + pointer, type, class, TTL, length (12)
  EXPECT_EQ(payload(), dns_response(question("wWw.FiNd.NeT"), kAnswered,
                                    {{packed(12), kCname, 100, wire_name("safe.find.net")},
                                     {packed(42), kA, 100, address_},
                                     {packed(42), kA, 100, {1, 2, 3, 4}}}));
  EXPECT_EQ(count(Id::dns_rewritten_back), 1U);
}

TEST_F(SafeSearchTest, AliasesOfTheSafeNameAreFollowedAndNothingElse) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered,
                                {{wire_name("edge.cdn.net"), kA, 50, address_},
                                 {packed(12), kCname, 40, wire_name("Edge.cdn.net")},
                                 {wire_name("www.find.net"), kA, 50, unsafe_},
                                 {wire_name("other.net"), kA, 50, unsafe_}})),
            Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered,
                                    {{packed(12), kCname, 40, wire_name("safe.find.net")},
                                     {packed(42), kA, 40, address_}}));
}

TEST_F(SafeSearchTest, ExtensionsGoBothWaysWithoutDnssec) {
  const Bytes cookie = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(ask(dns_query("www.find.net",
                          {.flags = 0x0130, .opt = true, .dnssec_ok = true, .options = cookie})),
            Fate::rewrite);
  EXPECT_EQ(payload(),
            dns_query("safe.find.net", {.flags = 0x0110, .opt = true, .options = cookie}));
  Bytes options = {0, 10, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9};
  const Bytes padding = {0, 12, 0, 2, 0, 0};
  Bytes sent = options;
  test::put(sent, padding);
  const Bytes signature = {0, 1, 8, 3};
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered | 0x0430,
                                {{packed(12), kA, 60, address_}, {packed(12), 46, 60, signature}},
                                opt(4096, false, sent), 0, 1)),
            Fate::rewrite);
  test::put(options, extended_error(4));
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered | 0x0010,
                                    {{packed(12), kCname, 60, wire_name("safe.find.net")},
                                     {packed(42), kA, 60, address_}},
                                    opt(4096, true, options), 0, 1));
}

TEST_F(SafeSearchTest, BothAddressFamiliesAndTags) {
  for (const test::FrameOptions& options :
       {test::FrameOptions{.ipv6 = true}, test::FrameOptions{.vlans = {{0x8100, 5}}},
        test::FrameOptions{.ipv6 = true, .vlans = {{0x88a8, 7}, {0x8100, 5}}}}) {
    EXPECT_EQ(ask(dns_query("find.net", {.type = kAaaa}), options), Fate::rewrite);
    EXPECT_EQ(payload(), dns_query("safe.find.net", {.type = kAaaa}));
    const Bytes address(16, 0x20);
    EXPECT_EQ(answer(dns_response(question("safe.find.net", kAaaa), kAnswered,
                                  {{packed(12), kAaaa, 60, address}}),
                     options),
              Fate::rewrite);
    EXPECT_EQ(payload(), dns_response(question("find.net", kAaaa), kAnswered,
                                      {{packed(12), kCname, 60, wire_name("safe.find.net")},
                                       {packed(38), kAaaa, 60, address}}));
  }
}

TEST_F(SafeSearchTest, NoDataAndNoSuchNameAreSoOfTheAlias) {
  for (const std::uint16_t rcode : {0, 3}) {
    EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
    EXPECT_EQ(answer(dns_response(question("safe.find.net"),
                                  static_cast<std::uint16_t>(kAnswered | rcode), {})),
              Fate::rewrite);
    const Bytes got = payload();
    EXPECT_EQ(got[3], 0x80 | rcode);
    EXPECT_EQ(got[7], 1);  // the alias
    EXPECT_EQ(got[9], 1);  // SOA
  }
}

TEST_F(SafeSearchTest, FailuresStayFailures) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered | 2, {})), Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered | 2, {}));
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(answer(dns_response({}, 0x8001, {})), Fate::rewrite);  // a server that reads no query
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), 0x8001, {}));
}

TEST_F(SafeSearchTest, ACutAnswerSendsTheClientToTcpUnlessItHoldsAddresses) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered | 0x200, {})), Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered | 0x200, {}));
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered | 0x200,
                                {{packed(12), kA, 60, address_}})),
            Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered,
                                    {{packed(12), kCname, 60, wire_name("safe.find.net")},
                                     {packed(42), kA, 60, address_}}));
}

TEST_F(SafeSearchTest, AMalformedAnswerBecomesAFailure) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  Bytes broken =
      dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}});
  broken.pop_back();
  EXPECT_EQ(answer(broken), Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered | 2, {}));
  EXPECT_EQ(count(Id::dns_safe_failed), 1U);
}

TEST_F(SafeSearchTest, OtherTypesThatLeadToAnAddressAreAnsweredHere) {
  EXPECT_EQ(ask(dns_query("www.find.net", {.type = kHttps, .opt = true})), Fate::reply);
  Bytes got = payload();
  EXPECT_EQ(got[3], 0x80);
  EXPECT_EQ(got[7], 0);
  EXPECT_EQ(got[9], 1);
  for (const std::uint16_t type : {kCname, std::uint16_t{255}}) {
    EXPECT_EQ(ask(dns_query("www.find.net", {.type = type})), Fate::reply);
    EXPECT_EQ(payload(), dns_response(question("www.find.net", type), 0x8580,
                                      {{packed(12), kCname, 30, wire_name("safe.find.net")}}));
  }
  // A resolver that finds its way by itself follows the alias.
  EXPECT_EQ(ask(dns_query("www.find.net", {.flags = 0})), Fate::reply);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), 0x8480,
                                    {{packed(12), kCname, 30, wire_name("safe.find.net")}}));
  EXPECT_EQ(count(Id::dns_rewritten), 0U);
  for (const std::uint16_t type : {2, 6, 15, 16, 43, 48, 257}) {
    EXPECT_EQ(ask(dns_query("find.net", {.type = type})), Fate::forward) << type;
  }
}

TEST_F(SafeSearchTest, WhatCannotBeAskedSafelyFails) {
  Bytes two = dns_query("other.net");
  two[5] = 2;
  test::put(two, question("www.find.net"));
  EXPECT_EQ(ask(two), Fate::reply);
  EXPECT_EQ(payload(), dns_response({}, 0x8182, {}));
  EXPECT_EQ(ask(dns_query("www.find.net", {.klass = 255})), Fate::reply);
  EXPECT_EQ(payload()[3], 0x82);
  Bytes cut = dns_query("www.find.net");  // a pointer into its own question
  cut = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w', 0xc0, 22, 0, 1, 0, 1};
  test::put(cut, wire_name("find.net"));
  EXPECT_EQ(ask(cut), Fate::reply);
}

TEST_F(SafeSearchTest, EverythingThatDecidesBeforeStands) {
  EXPECT_EQ(ask(dns_query("www.bets.example")), Fate::reply);  // blocked
  EXPECT_EQ(pipeline_->findings()[0].verdict.action, policy::Action::block);
  EXPECT_EQ(ask(dns_query("www.find.net"), {.last_source_octet = 200}), Fate::forward);
  EXPECT_EQ(ask(dns_query("www.find.net"), {.last_source_octet = 65}), Fate::rewrite);
  EXPECT_EQ(payload(), dns_query("safe.find.net"));
  EXPECT_EQ(ask(dns_query("www.other.net"), {.last_source_octet = 65}), Fate::reply);
  EXPECT_EQ(ask(dns_query("x.www.find.net")), Fate::forward);
  EXPECT_EQ(ask(dns_query("safe.find.net")), Fate::forward);
  use_level(policy::SafeSearch::off);
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::forward);
}

// The safe name leads to a listed one: the client gets the block under the name that it asked for.
TEST_F(SafeSearchTest, WhatTheAnswerLeadsToIsJudged) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(answer(dns_response(question("safe.find.net"), kAnswered,
                                {{packed(12), kCname, 60, wire_name("www.bets.example")},
                                 {wire_name("www.bets.example"), kA, 60, address_}})),
            Fate::rewrite);
  const Bytes got = payload();
  EXPECT_EQ(got[3] & 0xf, 3);
  const Bytes asked = question("www.find.net");
  EXPECT_TRUE(std::equal(asked.begin(), asked.end(), got.begin() + 12));
  EXPECT_EQ(count(Id::dns_response_blocked), 1U);
}

TEST_F(SafeSearchTest, AnAnswerToAQueryThatWasNotAskedSafelyIsWithheld) {
  EXPECT_EQ(
      answer(dns_response(question("www.find.net"), kAnswered, {{packed(12), kA, 60, unsafe_}})),
      Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered | 2, {}));
  EXPECT_EQ(count(Id::dns_unsafe_refused), 1U);
  // Not where there is nothing in it, or where the server keeps to the safe name by itself.
  EXPECT_EQ(answer(dns_response(question("www.find.net"), kAnswered, {})), Fate::forward);
  EXPECT_EQ(answer(dns_response(question("www.find.net"), kAnswered,
                                {{packed(12), kCname, 60, wire_name("safe.find.net")},
                                 {wire_name("safe.find.net"), kA, 60, address_}})),
            Fate::forward);
  EXPECT_EQ(
      answer(dns_response(question("find.net", 16), kAnswered, {{packed(12), 16, 60, {1, 'a'}}})),
      Fate::forward);
  // Nor while an answer is awaited.
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(
      answer(dns_response(question("www.find.net"), kAnswered, {{packed(12), kA, 60, unsafe_}})),
      Fate::rewrite);
  EXPECT_EQ(payload(), dns_response(question("www.find.net"), kAnswered | 2, {}));
}

TEST_F(SafeSearchTest, OtherAnswersPassAsTheyAre) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  const Bytes response =
      dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}});
  EXPECT_EQ(answer(response, {.source_port = 50001}), Fate::forward);
  EXPECT_EQ(answer(response, {.last_source_octet = 3}), Fate::forward);
  Bytes other = response;
  other[1] ^= 1;
  EXPECT_EQ(answer(other), Fate::forward);
  EXPECT_EQ(
      answer(dns_response(question("other.net"), kAnswered, {{packed(12), kA, 60, address_}})),
      Fate::forward);
  now_ms_ += SafeQueries::kLifeMs + 1;
  EXPECT_EQ(answer(response), Fate::forward);
}

TEST_F(SafeSearchTest, AQuerySentTwiceIsAnsweredTwice) {
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
  const Bytes response =
      dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}});
  EXPECT_EQ(answer(response), Fate::rewrite);
  EXPECT_EQ(answer(response), Fate::rewrite);
}

// Whoever asks without end does not take search from others.
TEST_F(SafeSearchTest, AFullTableForgetsTheOldest) {
  for (unsigned i = 0; i < 20000; ++i) {
    ASSERT_EQ(ask(dns_query("www.find.net"), {.source_port = static_cast<std::uint16_t>(i)}),
              Fate::rewrite);
  }
  EXPECT_GT(count(Id::dns_safe_table_full), 15000U);
  EXPECT_EQ(ask(dns_query("www.find.net"), {.source_port = 7, .last_source_octet = 9}),
            Fate::rewrite);
  EXPECT_EQ(
      answer(dns_response(question("safe.find.net"), kAnswered, {{packed(12), kA, 60, address_}}),
             {.source_port = 7, .last_source_octet = 9}),
      Fate::rewrite);
}

TEST_F(SafeSearchTest, AFailurePassesWhereNothingUnnamedDoes) {
  policy::PolicySet set;
  set.engines = {{"find", {"www.find.net"}, "safe.find.net", ""}};
  set.curated = {{"lessons", {"find.net"}, {}, {}}};
  set.policies = {{.name = "lesson",
                   .only = policy::Only{.lists = 1, .refuse_unnamed = true},
                   .safe_search = policy::SafeSearch::strict}};
  set.default_policy = "lesson";
  use(set);
  (void)snapshot_->set_time(0);
  for (const std::uint16_t flags : {kAnswered | 2, kAnswered | 0x200}) {
    EXPECT_EQ(ask(dns_query("www.find.net")), Fate::rewrite);
    EXPECT_EQ(answer(dns_response(question("safe.find.net"), flags, {})), Fate::rewrite);
    EXPECT_EQ(payload(), dns_response(question("www.find.net"), flags, {}));
  }
}

TEST_F(SafeSearchTest, ABurstOfMoreNamesThanFindingsLosesNone) {
  constexpr std::size_t kFrames = 32;
  std::vector<Bytes> frames;
  for (unsigned i = 0; i < kFrames; ++i) {
    std::vector<Answer> aliases;
    for (unsigned j = 0; j < 16; ++j) {
      aliases.push_back({packed(12), kCname, 60, wire_name("a" + std::to_string(j) + ".b.net")});
    }
    frames.push_back(i % 2 == 0
                         ? test::frame(dns_query("www.find.net"),
                                       {.source_port = static_cast<std::uint16_t>(1000 + i)})
                         : turned(test::frame(dns_response(question("c.net"), kAnswered, aliases),
                                              {.source_port = 53, .destination_port = 5})));
    frames.back().resize(frames.back().size() + 600);
  }
  std::array<Packet, kFrames> packets;
  for (unsigned i = 0; i < kFrames; ++i) {
    packets[i] = {.data = frames[i].data(),
                  .length = static_cast<std::uint32_t>(frames[i].size() - 600),
                  .capacity = static_cast<std::uint32_t>(frames[i].size()),
                  .judge = i % 2 == 0,
                  .answers = i % 2 != 0};
  }
  pipeline_->process(*snapshot_, packets, now_ms_);
  for (unsigned i = 0; i < kFrames; i += 2) EXPECT_EQ(packets[i].fate, Fate::rewrite) << i;
  EXPECT_EQ(count(Id::dns_rewritten), kFrames / 2);
}

}  // namespace
}  // namespace sluice::pipeline
