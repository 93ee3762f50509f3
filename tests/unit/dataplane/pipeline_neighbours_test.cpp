// A device that a group names by its IPv4 address, under its others.
#include "dataplane/neighbour/book.h"
#include "tests/unit/dataplane/neighbours.h"
#include "tests/unit/dataplane/pipeline_case.h"

namespace sluice::pipeline {
namespace {

using test::mac;

constexpr const char* kPrivacy = "2001:db8:7::abcd";

class PipelineNeighbours : public PipelineCase {
 protected:
  void SetUp() override { use(true); }
  void use(bool follow) {
    const auto gambling = policy::bit(policy::find_category("gambling")->id);
    policy::PolicySet set;
    set.policies = {{"pupils", gambling}, {"staff"}};
    set.default_policy = "pupils";
    set.groups = {{"staff", "staff", {}, {policy::parse_prefix("192.0.2.200/32").value()}, {}, {}}};
    set.follow_addresses = follow;
    PipelineCase::use(set);
  }
  /// What the control thread does every second.
  void tell() {
    for (neighbour::Sighting seen; pipeline_->sightings().pop(seen);) book_.add(seen, 1);
    if (auto table = book_.table(snapshot_->groups(), 1)) snapshot_->set_neighbours(table);
    (void)snapshot_->set_time(policy::Moment{});
  }
  std::size_t sightings() {
    std::size_t count = 0;
    for (neighbour::Sighting seen; pipeline_->sightings().pop(seen);) ++count;
    return count;
  }
  static Bytes with(Bytes frame, std::uint8_t device) {
    const test::Mac source = mac(device);
    std::copy(source.begin(), source.end(), frame.begin() + 6);
    return frame;
  }
  Bytes query6(std::uint8_t device, std::string_view source = kPrivacy) {
    Bytes frame = test::frame(test::dns_query("a.example"), {.ipv6 = true});
    const test::Address address = test::ip(source);
    std::copy(address.begin(), address.end(), frame.begin() + 22);
    return with(frame, device);
  }
  Bytes query4(std::uint8_t device) {
    Bytes frame = test::frame(test::dns_query("a.school.org"));
    const test::Address address = test::ip("192.0.2.200");
    std::copy(address.begin(), address.begin() + 4, frame.begin() + 26);
    packet::set_ipv4_checksum(&frame[14]);
    return with(frame, device);
  }
  /// From outside, to the named address.
  static Bytes answer4(std::uint8_t device) {
    Bytes frame = test::frame(test::dns_query("a.school.org", {.flags = 0x8180}),
                              {.source_port = 53, .destination_port = 50000});
    const test::Mac to = mac(device);
    std::copy(to.begin(), to.end(), frame.begin());
    const test::Address address = test::ip("192.0.2.200");
    std::copy(address.begin(), address.begin() + 4, frame.begin() + 30);
    packet::set_ipv4_checksum(&frame[14]);
    return frame;
  }
  void learn() {
    (void)run(test::arp("192.0.2.200", "192.0.2.1"));
    now_ms_ += 10;
    (void)run(answer4(2), false);
    (void)run(test::neighbour_discovery("fe80::2", kPrivacy));
    tell();
  }
  Fate ask(std::uint8_t device) { return run(query6(device)); }

  neighbour::Book book_;
};

TEST_F(PipelineNeighbours, APrivacyAddressIsTheDevicesThatSaidSo) {
  EXPECT_EQ(ask(2), Fate::reply);
  learn();
  EXPECT_EQ(ask(2), Fate::forward);
  EXPECT_EQ(pipeline_->findings()[0].group, 1);
  EXPECT_EQ(ask(3), Fate::reply);
  EXPECT_EQ(run(query6(2, "2001:db8:7::1234")), Fate::reply);
}

TEST_F(PipelineNeighbours, TheAnswerOfAServerIsForTheDeviceToo) {
  learn();
  Bytes response = test::dns_query("a.example", {.flags = 0x8180});
  Bytes frame = test::frame(response, {.ipv6 = true, .source_port = 53, .destination_port = 50000});
  const test::Address address = test::ip(kPrivacy);
  std::copy(address.begin(), address.end(), frame.begin() + 38);
  const test::Mac to = mac(2);
  std::copy(to.begin(), to.end(), frame.begin());
  EXPECT_EQ(run(frame, false), Fate::forward);
  ASSERT_EQ(pipeline_->findings().size(), 1U);
  EXPECT_EQ(pipeline_->findings()[0].group, 1);
}

TEST_F(PipelineNeighbours, NothingIsTakenNoteOfWhereItIsNotAskedFor) {
  use(false);
  learn();
  EXPECT_EQ(book_.size(), 0U);
  EXPECT_EQ(counters_.value(stats::Id::neighbour_claims), 0U);
  EXPECT_EQ(ask(2), Fate::reply);
}

TEST_F(PipelineNeighbours, WhatComesFromOutsideSaysNothing) {
  (void)run(test::arp("192.0.2.200", "192.0.2.1"), false);
  EXPECT_EQ(sightings(), 0U);
}

TEST_F(PipelineNeighbours, WhereFramesForNamedAddressesGoIsLookedAtNowAndThen) {
  now_ms_ = 50'000;
  (void)run(answer4(2), false);
  neighbour::Sighting seen;
  ASSERT_TRUE(pipeline_->sightings().pop(seen));
  EXPECT_EQ(seen.seen, neighbour::Seen::use);
  EXPECT_EQ(seen.place.client().mac, mac(2));
  EXPECT_EQ(seen.place.client().address, test::ip("192.0.2.200"));
  for (int i = 0; i < 100; ++i) (void)run(answer4(2), false);  // within the same millisecond
  EXPECT_EQ(sightings(), 0U);
  now_ms_ += 5;
  (void)run(query6(2));  // its burst is not the one that is looked at
  (void)run(answer4(2), false);
  EXPECT_EQ(sightings(), 1U);
}

TEST_F(PipelineNeighbours, AFrameFromTheNamedAddressShowsNothing) {
  now_ms_ = 50'000;
  (void)run(query4(2));
  EXPECT_EQ(sightings(), 0U);
  (void)run(test::arp("192.0.2.200", "192.0.2.1"));
  (void)run(query4(2));
  (void)run(test::neighbour_discovery("fe80::2", kPrivacy));
  tell();
  EXPECT_EQ(ask(2), Fate::reply);
  (void)run(answer4(2), false);
  tell();
  EXPECT_EQ(ask(2), Fate::forward);
}

// RFC 6980 section 5.
TEST_F(PipelineNeighbours, WhatIsSaidInFragmentsIsNotHeard) {
  const Bytes whole = test::neighbour_discovery("fe80::2", kPrivacy);
  constexpr std::size_t kHeaders = 14 + 40;
  const auto piece = [&](std::size_t from, std::size_t to, bool more) {
    Bytes frame(whole.begin(), whole.begin() + kHeaders);
    const std::size_t length = 8 + to - from;
    frame[18] = static_cast<std::uint8_t>(length >> 8);
    frame[19] = static_cast<std::uint8_t>(length);
    frame[20] = 44;  // a Fragment header
    test::put16(frame, 58U << 8);
    test::put16(frame, static_cast<unsigned>(from) | (more ? 1U : 0U));
    frame.insert(frame.end(), {1, 2, 3, 4});
    frame.insert(frame.end(), whole.begin() + kHeaders + static_cast<long>(from),
                 whole.begin() + kHeaders + static_cast<long>(to));
    return frame;
  };
  (void)run(piece(0, 16, true));
  (void)run(piece(16, whole.size() - kHeaders, false));
  EXPECT_EQ(counters_.value(stats::Id::fragment_datagrams), 1U);
  EXPECT_EQ(sightings(), 0U);
  (void)run(whole);
  EXPECT_EQ(sightings(), 1U);
}

TEST_F(PipelineNeighbours, AFullRingIsCounted) {
  for (int i = 0; i < 3000; ++i) (void)run(test::arp("192.0.2.7", "192.0.2.1"));
  EXPECT_EQ(counters_.value(stats::Id::neighbour_claims), 3000U);
  EXPECT_EQ(counters_.value(stats::Id::neighbours_lost), 3000U - 2048U);
}

}  // namespace
}  // namespace sluice::pipeline
