#include "dataplane/pipeline/pipeline.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "config/generation/writer.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("sluice-pipeline-" + std::to_string(getpid()) + ".lmdb");
    auto writer = generation::Writer::create(path_);
    ASSERT_TRUE(writer);
    const auto gambling = policy::find_category("gambling")->id;
    const auto video = policy::find_category("video")->id;
    using generation::Record;
    ASSERT_TRUE(writer->append("example.blocked.", std::vector<Record>{{0, gambling}}));
    ASSERT_TRUE(writer->append("example.watched.", std::vector<Record>{{0, video}}));
    ASSERT_TRUE(writer->finish(5, "t"));
    auto generation = generation::Generation::open(path_);
    ASSERT_TRUE(generation);
    policy::PolicySet set;
    set.policies = {{"pupils", policy::bit(gambling), policy::bit(video)}, {"staff", 0, 0}};
    set.default_policy = "pupils";
    set.groups = {{"staff", "staff", {}, {policy::parse_prefix("192.0.2.9/32").value()}, {}, {}}};
    auto snapshot = index::Snapshot::build(*generation, set, {}, 1);
    ASSERT_TRUE(snapshot);
    snapshot_ = std::move(*snapshot);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Fate run(Bytes& frame, bool judge = true) {
    const std::size_t length = frame.size();
    frame.resize(length + 512);
    Packet packet{.data = frame.data(),
                  .length = static_cast<std::uint32_t>(length),
                  .capacity = static_cast<std::uint32_t>(frame.size()),
                  .judge = judge,
                  .trust_checksum = true};  // tests spoil addresses without it
    pipeline_->process(*snapshot_, {&packet, 1}, now_ms_);
    frame.resize(packet.length);
    return packet.fate;
  }
  Fate fate(Bytes frame) {
    const Bytes before = frame;
    const Fate result = run(frame);
    if (result == Fate::forward) {
      EXPECT_EQ(frame, before) << "a forwarded frame is unchanged";
    }
    return result;
  }
  std::uint64_t count(stats::Id id) const { return counters_.value(id); }

  std::filesystem::path path_;
  std::unique_ptr<const index::Snapshot> snapshot_;
  std::uint64_t now_ms_ = 1000;
  stats::Counters counters_;
  std::unique_ptr<stats::EventRing> events_ = std::make_unique<stats::EventRing>();
  std::unique_ptr<Pipeline> pipeline_ = std::make_unique<Pipeline>(0, 7, counters_, events_.get());
};

TEST_F(PipelineTest, AnswersPassesAndWatchesByGroup) {
  EXPECT_EQ(fate(test::frame(test::dns_query("www.blocked.example"))), Fate::reply);
  EXPECT_EQ(fate(test::frame(test::dns_query("notblocked.example"))), Fate::forward);
  EXPECT_EQ(fate(test::frame(test::dns_query("a.watched.example"))), Fate::forward);
  EXPECT_EQ(count(stats::Id::verdict_log), 1U);
  EXPECT_EQ(fate(test::frame(test::dns_query("blocked.example"), {.last_source_octet = 9})),
            Fate::forward);
  EXPECT_EQ(count(stats::Id::dns_blocked), 1U);
  EXPECT_EQ(fate(test::frame(test::dns_query("blocked.example"), {.destination_port = 5353})),
            Fate::forward);
  EXPECT_EQ(fate(test::frame(test::dns_query("blocked.example"), {.first_destination_octet = 224})),
            Fate::forward);
  EXPECT_EQ(count(stats::Id::dns_group_addressed), 1U);
  Bytes outside = test::frame(test::dns_query("blocked.example"));
  EXPECT_EQ(run(outside, false), Fate::forward);
}

TEST_F(PipelineTest, ResetsBothSidesOfABlockedClientHello) {
  const Bytes hello = test::client_hello(test::server_name({"ok.example", "www.blocked.example"}));
  const test::FrameOptions tcp = {.protocol = 6, .destination_port = 8443};
  EXPECT_EQ(fate(test::frame(hello, tcp)), Fate::drop);
  ASSERT_EQ(pipeline_->emissions().size(), 2U);
  EXPECT_EQ(pipeline_->findings().size(), 2U);
  EXPECT_EQ(count(stats::Id::tls_blocked), 1U);
  // Two listed names in one hello are still one refusal.
  const Bytes twice =
      test::client_hello(test::server_name({"a.blocked.example", "b.blocked.example"}));
  EXPECT_EQ(fate(test::frame(twice, tcp)), Fate::drop);
  EXPECT_EQ(pipeline_->emissions().size(), 2U);
  const test::FrameOptions other = {.protocol = 6, .source_port = 40001, .destination_port = 8443};
  EXPECT_EQ(fate(test::frame(test::client_hello(test::server_name({"ok.example"})), other)),
            Fate::forward);
  EXPECT_EQ(pipeline_->emissions().size(), 0U);
}

TEST_F(PipelineTest, AnswersNobodyWhoCannotBeOneReceiver) {
  for (const bool ipv6 : {false, true}) {
    const std::size_t source = 14 + (ipv6 ? 8 : 12);
    const std::size_t octets = ipv6 ? 16 : 4;
    for (const Bytes& payload : {test::dns_query("blocked.example"),
                                 test::client_hello(test::server_name({"www.blocked.example"}))}) {
      const bool dns = payload[0] == 0x12;
      const auto make = [&] {
        return test::frame(payload,
                           {.ipv6 = ipv6, .protocol = static_cast<std::uint8_t>(dns ? 17 : 6)});
      };
      Bytes multicast = make();
      multicast[source] = ipv6 ? 0xff : 239;
      EXPECT_EQ(fate(multicast), Fate::forward);
      Bytes unspecified = make();
      std::fill_n(unspecified.begin() + static_cast<long>(source), octets, 0);
      EXPECT_EQ(fate(unspecified), Fate::forward);
      Bytes to_group = make();
      to_group[source + octets] = ipv6 ? 0xff : 239;
      EXPECT_EQ(fate(to_group), Fate::forward);
      EXPECT_NE(fate(make()), Fate::forward);
    }
  }
  EXPECT_EQ(count(stats::Id::unanswerable), 10U);
}

TEST_F(PipelineTest, AnswersUnderAGroupMacAddressFromOneStation) {
  // A server behind a load balancer's multicast MAC address; frames from one are invalid and lost.
  Bytes query = test::frame(test::dns_query("blocked.example"));
  query[0] = 0x03;
  ASSERT_EQ(run(query), Fate::reply);
  EXPECT_EQ(query[6], 0x02);
  EXPECT_TRUE(std::equal(query.begin() + 7, query.begin() + 12, Bytes{0, 0, 0, 0, 1}.begin()));
  Bytes hello =
      test::frame(test::client_hello(test::server_name({"www.blocked.example"})), {.protocol = 6});
  hello[0] = 0x03;
  ASSERT_EQ(run(hello), Fate::drop);
  EXPECT_EQ(pipeline_->emissions()[0].bytes[6], 0x02);
  EXPECT_EQ(pipeline_->emissions()[1].bytes[0], 0x03) << "toward the server as it was sent";
}

TEST_F(PipelineTest, NeverAnswersAReset) {
  const Bytes hello = test::client_hello(test::server_name({"www.blocked.example"}));
  EXPECT_EQ(fate(test::frame(hello, {.protocol = 6, .tcp_flags = 0x14})), Fate::forward);
  EXPECT_EQ(pipeline_->emissions().size(), 0U);
}

TEST_F(PipelineTest, ReportsAnEventWithoutWhoAskedForWhat) {
  (void)fate(test::frame(test::dns_query("secret.blocked.example")));
  stats::BlockEvent event;
  ASSERT_TRUE(events_->pop(event));
  EXPECT_EQ(std::string_view(event.listed.data(), event.listed_length), "\x07" "blocked\x07" "example");
  EXPECT_EQ(event.generation, 5U);
  EXPECT_EQ(event.judged_by, snapshot_.get());
  EXPECT_EQ(event.category, policy::find_category("gambling")->id);
}

TEST_F(PipelineTest, JudgesAFullBurstOfManyNames) {
  std::vector<Bytes> frames;
  std::array<Packet, kBurst> packets;
  for (std::size_t i = 0; i < kBurst; ++i) {
    frames.push_back(test::frame(
        test::client_hello(test::server_name({"a.example", "b.example", "c.example",
                                              i % 2 == 0 ? "x.blocked.example" : "d.example"})),
        {.protocol = 6, .source_port = static_cast<std::uint16_t>(40000 + i)}));
    packets[i] = {.data = frames[i].data(),
                  .length = static_cast<std::uint32_t>(frames[i].size()),
                  .capacity = static_cast<std::uint32_t>(frames[i].size()),
                  .judge = true};
  }
  pipeline_->process(*snapshot_, packets, now_ms_);
  EXPECT_EQ(pipeline_->findings().size(), kBurst * 4);
  EXPECT_EQ(pipeline_->emissions().size(), kBurst);
  for (std::size_t i = 0; i < kBurst; ++i) {
    EXPECT_EQ(packets[i].fate, i % 2 == 0 ? Fate::drop : Fate::forward) << i;
  }
}

TEST_F(PipelineTest, CountsEachMalformedQueryByItsReasonAndForwardsIt) {
  Bytes bad = test::dns_query("blocked.example");
  bad[5] = 0;
  EXPECT_EQ(fate(test::frame(bad)), Fate::forward);
  EXPECT_EQ(count(stats::Id::dns_question_count), 1U);
  bad = test::dns_query("blocked.example");
  bad[12] = 0xc0;
  EXPECT_EQ(fate(test::frame(bad)), Fate::forward);
  EXPECT_EQ(count(stats::Id::dns_pointer), 1U);
  EXPECT_EQ(fate(test::frame({1, 2, 3})), Fate::forward);
  EXPECT_EQ(count(stats::Id::dns_short_header), 1U);
  EXPECT_EQ(fate(test::frame(test::dns_query("blocked.example"), {.fragment = 0x2000})),
            Fate::forward);
  EXPECT_EQ(count(stats::Id::frame_fragment), 1U);
  EXPECT_EQ(
      fate(test::frame(test::client_hello(test::server_name({"192.0.2.1"})), {.protocol = 6})),
      Fate::forward);
  EXPECT_EQ(count(stats::Id::tls_ip_literal), 1U);
}

}  // namespace
}  // namespace sluice::pipeline
