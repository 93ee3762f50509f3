#include "dataplane/inspect/neighbour.h"

#include <gtest/gtest.h>

#include "dataplane/neighbour/book.h"
#include "tests/unit/dataplane/neighbours.h"

namespace sluice::neighbour {
namespace {

using inspect::NeighbourClaim;
using inspect::read_neighbour;
using Kind = NeighbourClaim::Kind;
using test::arp;
using test::Bytes;
using test::ip;
using test::mac;
using test::neighbour_discovery;

constexpr const char* kPrivacy = "2001:db8:7::abcd";

TEST(NeighbourMessage, ArpSaysWhoHasAnAddress) {
  for (const unsigned operation : {1U, 2U}) {
    const NeighbourClaim claim =
        read_neighbour(arp("192.0.2.2", "192.0.2.1", {.operation = operation}));
    EXPECT_EQ(claim.kind, Kind::claim);
    EXPECT_FALSE(claim.ipv6);
    EXPECT_EQ(claim.mac, mac(2));
    EXPECT_EQ(claim.address, ip("192.0.2.2"));
  }
}

TEST(NeighbourMessage, ArpProbeAsksForItsTarget) {
  const NeighbourClaim claim = read_neighbour(arp("0.0.0.0", "192.0.2.9"));
  EXPECT_EQ(claim.kind, Kind::probe);
  EXPECT_EQ(claim.address, ip("192.0.2.9"));
}

TEST(NeighbourMessage, TagsAreThoseOfTheFrame) {
  const NeighbourClaim claim =
      read_neighbour(arp("192.0.2.2", "192.0.2.1", {.ethernet = {.vlans = {100, 7}}}));
  EXPECT_EQ(claim.kind, Kind::claim);
  EXPECT_EQ(claim.outer_vlan, 100);
  EXPECT_EQ(claim.inner_vlan, 7);
  EXPECT_EQ(
      read_neighbour(arp("192.0.2.2", "192.0.2.1", {.ethernet = {.vlans = {1, 2, 3, 4, 5}}})).kind,
      Kind::none);
}

TEST(NeighbourMessage, ArpThatNobodyMayActOnSaysNothing) {
  const auto kind = [](const Bytes& frame) { return read_neighbour(frame).kind; };
  EXPECT_EQ(kind(arp("192.0.2.2", "192.0.2.1", {.sender = mac(9)})), Kind::none);  // for another
  EXPECT_EQ(kind(arp("192.0.2.2", "192.0.2.1", {.operation = 3})), Kind::none);
  EXPECT_EQ(kind(arp("224.0.0.1", "192.0.2.1")), Kind::none);
  EXPECT_EQ(kind(arp("255.255.255.255", "192.0.2.1")), Kind::none);
  EXPECT_EQ(kind(arp("127.0.0.1", "192.0.2.1")), Kind::none);
  EXPECT_EQ(kind(arp("0.0.0.0", "192.0.2.1", {.operation = 2})), Kind::none);
  const Bytes whole = arp("192.0.2.2", "192.0.2.1");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(kind(Bytes(whole.begin(), whole.begin() + static_cast<long>(length))), Kind::none);
  }
}

TEST(NeighbourMessage, NeighborDiscoverySaysWhoHasAnAddress) {
  const NeighbourClaim advertised = read_neighbour(neighbour_discovery("fe80::2", kPrivacy));
  EXPECT_EQ(advertised.kind, Kind::claim);
  EXPECT_TRUE(advertised.ipv6);
  EXPECT_EQ(advertised.address, ip(kPrivacy));
  // Unicast ones may go without the option (RFC 4861 4.4).
  EXPECT_EQ(read_neighbour(neighbour_discovery("fe80::2", kPrivacy, {.option = 0})).kind,
            Kind::claim);
  const NeighbourClaim solicited =
      read_neighbour(neighbour_discovery(kPrivacy, "2001:db8:7::1", {.type = 135, .option = 1}));
  EXPECT_EQ(solicited.kind, Kind::claim);
  EXPECT_EQ(solicited.address, ip(kPrivacy));
  const NeighbourClaim router =
      read_neighbour(neighbour_discovery("fe80::2", "::", {.type = 133, .option = 1}));
  EXPECT_EQ(router.kind, Kind::claim);
  EXPECT_EQ(router.address, ip("fe80::2"));
}

TEST(NeighbourMessage, DuplicateAddressDetectionAsksForItsTarget) {
  const NeighbourClaim claim =
      read_neighbour(neighbour_discovery("::", kPrivacy, {.type = 135, .option = 0}));
  EXPECT_EQ(claim.kind, Kind::probe);
  EXPECT_EQ(claim.address, ip(kPrivacy));
}

TEST(NeighbourMessage, NeighborDiscoveryThatNobodyMayActOnSaysNothing) {
  const auto kind = [](const test::NdOptions& options, const char* source = "fe80::2",
                       const char* target = kPrivacy) {
    return read_neighbour(neighbour_discovery(source, target, options)).kind;
  };
  EXPECT_EQ(kind({.hop_limit = 254}), Kind::none);  // from behind a router
  EXPECT_EQ(kind({.code = 1}), Kind::none);
  EXPECT_EQ(kind({.spoil = 1}), Kind::none);
  EXPECT_EQ(kind({.link_layer = mac(9)}), Kind::none);
  EXPECT_EQ(kind({.type = 134}), Kind::none);  // a router's own
  EXPECT_EQ(kind({}, "fe80::2", "ff02::1"), Kind::none);
  EXPECT_EQ(kind({.type = 135, .option = 1}, "::"), Kind::none);  // RFC 4861 7.1.1
  EXPECT_EQ(kind({.type = 133, .option = 0}, "::"), Kind::none);
  const Bytes whole = neighbour_discovery("fe80::2", kPrivacy);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(read_neighbour(std::span(whole).first(length)).kind, Kind::none);
  }
}

// ----- whose an address is

class NeighbourBook : public ::testing::Test {
 protected:
  static policy::GroupTable groups_of(std::vector<policy::Prefix> staff,
                                      std::vector<policy::Prefix> cooks = {}) {
    policy::PolicySet set;
    set.policies = {{"pupils"}, {"staff"}};
    set.default_policy = "pupils";
    set.groups = {{"staff", "staff", {}, std::move(staff), {}, {}},
                  {"cooks", "staff", {}, std::move(cooks), {}, {}}};
    return policy::GroupTable::build(set, {}).value();
  }
  static policy::Client client(const char* address, std::uint8_t device, std::uint16_t vlan = 0) {
    const auto prefix = policy::parse_prefix(address).value();
    return {.mac = mac(device),
            .has_ip = true,
            .ipv6 = prefix.ipv6,
            .address = prefix.address,
            .outer_vlan = vlan};
  }
  void see(Seen what, const char* address, std::uint8_t device, std::uint16_t vlan = 0) {
    book_.add({Place::of(client(address, device, vlan)), what}, now_);
  }
  /// The address that a frame counts as from.
  std::string stands_for(const char* address, std::uint8_t device, std::uint16_t vlan = 0) {
    book_.age(now_);
    if (auto table = book_.table(groups_, now_)) table_ = table;
    policy::Client one = client(address, device, vlan);
    if (table_ == nullptr || !table_->stand_in(one)) return "itself";
    return policy::text(
        policy::Prefix{one.address, static_cast<std::uint8_t>(one.ipv6 ? 128 : 32), one.ipv6});
  }
  void learn(std::uint8_t device = 2, std::uint16_t vlan = 0) {
    see(Seen::claim, "192.0.2.200", device, vlan);
    see(Seen::use, "192.0.2.200", device, vlan);
    see(Seen::claim, kPrivacy, device, vlan);
  }

  policy::GroupTable groups_ = groups_of({policy::parse_prefix("192.0.2.200").value()});
  Book book_;
  std::shared_ptr<const Table> table_;
  Seconds now_ = 1000;
};

TEST_F(NeighbourBook, AnotherAddressOfTheDeviceStandsForTheNamedOne) {
  learn();
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  EXPECT_EQ(stands_for("2001:db8:7::1234", 2), "itself");  // of which it has said nothing
  EXPECT_EQ(stands_for(kPrivacy, 3), "itself");
  EXPECT_EQ(stands_for(kPrivacy, 2, 20), "itself");
  see(Seen::claim, "2001:db8:7::1234", 2);
  EXPECT_EQ(stands_for("2001:db8:7::1234", 2), "192.0.2.200/32");
}

TEST_F(NeighbourBook, APlaceIsTheClientAgain) {
  policy::Client one = client(kPrivacy, 7, 100);
  one.inner_vlan = 9;
  one.port = 3;
  const policy::Client same = Place::of(one).client();
  EXPECT_EQ(Place::of(same), Place::of(one));
  EXPECT_EQ(same.mac, one.mac);
  EXPECT_EQ(same.port, 3);
  EXPECT_EQ(same.outer_vlan, 100);
  EXPECT_EQ(same.inner_vlan, 9);
  EXPECT_TRUE(same.ipv6);
}

TEST_F(NeighbourBook, AnAddressThatIsOnlyClaimedIsNobodys) {
  see(Seen::claim, "192.0.2.200", 2);
  see(Seen::claim, kPrivacy, 2);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  see(Seen::use, "192.0.2.200", 2);
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
}

TEST_F(NeighbourBook, ARouterHoldsNothingOfWhatItForwards) {
  see(Seen::use, "192.0.2.200", 9);  // frames for it go to the router's MAC address
  see(Seen::claim, kPrivacy, 9);
  EXPECT_EQ(stands_for(kPrivacy, 9), "itself");
  EXPECT_EQ(book_.size(), 1U);
  // Even one that is named by its own address: what it forwards was claimed by others.
  see(Seen::claim, "192.0.2.200", 9);
  see(Seen::use, "192.0.2.200", 9);
  EXPECT_EQ(stands_for("2001:db8:99::1", 9), "itself");
}

TEST_F(NeighbourBook, WhoClaimsAnAddressThatSomebodyUsesGetsNothing) {
  learn();
  now_ += 60;
  see(Seen::claim, "192.0.2.200", 6);
  see(Seen::use, "192.0.2.200", 6);
  see(Seen::claim, "2001:db8:7::6666", 6);
  EXPECT_EQ(stands_for("2001:db8:7::6666", 6), "itself");
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");  // nobody knows who is right
  EXPECT_EQ(book_.devices(groups_, now_).at(0).state, State::contested);
  // Whoever goes on while the other is silent has it.
  for (int minute = 0; minute < 12; ++minute) {
    now_ += 60;
    see(Seen::use, "192.0.2.200", 2);
    see(Seen::claim, kPrivacy, 2);
    EXPECT_EQ(stands_for("2001:db8:7::6666", 6), "itself");
  }
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
}

TEST_F(NeighbourBook, ASpooferWhoStaysIsContestedForAsLong) {
  learn();
  for (int minute = 0; minute < 60; ++minute) {
    now_ += 60;
    see(Seen::use, "192.0.2.200", 2);
    see(Seen::claim, "192.0.2.200", 6);
    see(Seen::use, "192.0.2.200", 6);
    see(Seen::claim, "2001:db8:7::6666", 6);
    ASSERT_EQ(stands_for("2001:db8:7::6666", 6), "itself");
  }
}

TEST_F(NeighbourBook, AFrameForItThatGoesToAnotherIsAContestToo) {
  learn();
  see(Seen::use, "192.0.2.200", 6);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
}

TEST_F(NeighbourBook, AProbeChangesNothingForTheHolder) {
  learn();
  see(Seen::probe, "192.0.2.200", 6);
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  now_ += kPresent + 1;
  see(Seen::probe, "192.0.2.200", 6);  // nobody is there to object
  see(Seen::use, "192.0.2.200", 6);
  see(Seen::claim, "2001:db8:7::6666", 6);
  EXPECT_EQ(stands_for("2001:db8:7::6666", 6), "192.0.2.200/32");
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
}

TEST_F(NeighbourBook, AnAddressIsFreeAgainWhenItsHolderIsGone) {
  learn();
  now_ += kPresent + 1;
  see(Seen::claim, "192.0.2.200", 6);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  see(Seen::use, "192.0.2.200", 6);
  see(Seen::claim, "2001:db8:7::6666", 6);
  EXPECT_EQ(stands_for("2001:db8:7::6666", 6), "192.0.2.200/32");
}

TEST_F(NeighbourBook, WhatIsNotHeardOfIsForgotten) {
  learn();
  see(Seen::claim, "192.0.2.66", 3);  // once and never again
  now_ += kPresent + 1;
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");  // the privacy address was claimed once
  EXPECT_EQ(book_.size(), 1U);
  see(Seen::claim, kPrivacy, 2);
  now_ += 60;
  see(Seen::claim, kPrivacy, 2);
  now_ += kPresent + 1;
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  now_ += kKept;
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  EXPECT_EQ(book_.size(), 0U);
}

TEST_F(NeighbourBook, ADeviceWithTwoIpv4AddressesMayBeAProxy) {
  learn();
  see(Seen::claim, "192.0.2.7", 2);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  EXPECT_EQ(book_.devices(groups_, now_).at(0).state, State::several);
}

TEST_F(NeighbourBook, NamedAddressesOfSeveralGroupsAreAmbiguous) {
  groups_ = groups_of({policy::parse_prefix("192.0.2.200").value()},
                      {policy::parse_prefix("2001:db8:7::200").value()});
  learn();
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  see(Seen::claim, "2001:db8:7::200", 2);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
}

TEST_F(NeighbourBook, TheSameAddressInTwoVlansIsNobodysInBoth) {
  learn();
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  learn(6, 20);
  EXPECT_EQ(stands_for(kPrivacy, 6, 20), "itself");
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  ASSERT_EQ(book_.devices(groups_, now_).size(), 2U);
  for (const auto& device : book_.devices(groups_, now_)) {
    EXPECT_EQ(device.state, State::contested);
  }
  // Where it goes on while the other place is silent, it is.
  for (int minute = 0; minute < 11; ++minute) {
    now_ += 60;
    see(Seen::use, "192.0.2.200", 2);
    see(Seen::claim, kPrivacy, 2);
  }
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  EXPECT_EQ(stands_for(kPrivacy, 6, 20), "itself");
  see(Seen::claim, "192.0.2.200", 6, 20);  // there again
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
}

TEST_F(NeighbourBook, TheSameAddressBehindTwoPortsIsNobodysAtBoth) {
  learn();
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  policy::Client other = client("192.0.2.200", 6);
  other.port = 1;
  book_.add({Place::of(other), Seen::claim}, now_);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
}

TEST_F(NeighbourBook, AnUnnamedAddressMayBeInSeveralVlans) {
  learn();
  see(Seen::claim, kPrivacy, 6, 20);
  see(Seen::claim, "192.0.2.201", 6, 20);
  see(Seen::claim, "192.0.2.201", 7, 30);
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
}

TEST_F(NeighbourBook, AnAddressThatIsNamedWithItsVlanIsThereOnly) {
  const auto prefix = [](std::uint16_t vlan) {
    auto one = policy::parse_prefix("192.0.2.200").value();
    one.vlan.outer = vlan;
    return one;
  };
  groups_ = groups_of({prefix(10)}, {prefix(20)});
  learn(2, 10);
  learn(6, 20);
  learn(7, 30);  // of no group
  EXPECT_EQ(stands_for(kPrivacy, 2, 10), "192.0.2.200/32");
  EXPECT_EQ(stands_for(kPrivacy, 6, 20), "192.0.2.200/32");
  EXPECT_EQ(stands_for(kPrivacy, 7, 30), "itself");
  // Within it, one VLAN or another is not told apart.
  policy::Client inner = client("192.0.2.200", 8, 10);
  inner.inner_vlan = 5;
  book_.add({Place::of(inner), Seen::claim}, now_);
  EXPECT_EQ(stands_for(kPrivacy, 2, 10), "itself");
  EXPECT_EQ(stands_for(kPrivacy, 6, 20), "192.0.2.200/32");
}

TEST_F(NeighbourBook, ADeviceOfMoreAddressesThanAreFollowedIsNot) {
  learn();
  for (unsigned i = 0; i < kMaxOfDevice; ++i) {
    see(Seen::claim, ("2001:db8:7::1:" + std::to_string(i)).c_str(), 2);
  }
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  EXPECT_EQ(book_.devices(groups_, now_).at(0).state, State::crowded);
}

TEST_F(NeighbourBook, WhoeverFillsItGetsNobodyFollowed) {
  learn();
  for (std::uint32_t i = 0; i < kMaxAddresses + 10; ++i) {
    policy::Client one = client("10.0.0.0", 9);
    for (int octet = 0; octet < 3; ++octet) {
      one.address[static_cast<std::size_t>(1 + octet)] =
          static_cast<std::uint8_t>(i >> (16 - 8 * octet));
    }
    book_.add({Place::of(one), Seen::claim}, now_);
  }
  EXPECT_TRUE(book_.is_full());
  EXPECT_EQ(book_.size(), kMaxAddresses);
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
  // What was made up is gone soon; who is there is not.
  now_ += kPresent;
  see(Seen::claim, kPrivacy, 2);
  see(Seen::use, "192.0.2.200", 2);
  now_ += 1;
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
}

TEST_F(NeighbourBook, ANewPolicyNamesOthers) {
  learn();
  EXPECT_EQ(stands_for(kPrivacy, 2), "192.0.2.200/32");
  groups_ = groups_of({});
  book_.forget_table();
  EXPECT_EQ(stands_for(kPrivacy, 2), "itself");
}

TEST_F(NeighbourBook, APersonFindsTheDevice) {
  learn();
  policy::Client asked = client(kPrivacy, 0);
  ASSERT_TRUE(book_.find(groups_, asked, false, now_));
  EXPECT_EQ(book_.find(groups_, asked, false, now_)->named.client().address, ip("192.0.2.200"));
  EXPECT_EQ(book_.find(groups_, asked, false, now_)->others, 1U);
  EXPECT_FALSE(book_.find(groups_, asked, true, now_));  // another MAC address
  asked = {.mac = mac(2)};
  ASSERT_TRUE(book_.find(groups_, asked, true, now_));
  asked.outer_vlan = 20;
  EXPECT_FALSE(book_.find(groups_, asked, true, now_));
}

TEST(SightingRing, HandsOnInOrderAndTellsWhenItIsFull) {
  const auto ring = std::make_unique<SightingRing>();
  std::size_t count = 0;
  while (ring->push({{{count, 0}, 0, 0}, Seen::use})) ++count;
  EXPECT_EQ(count, SightingRing::kSlots);
  Sighting out;
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(ring->pop(out));
    EXPECT_EQ(out.place.address[0], i);
  }
  EXPECT_FALSE(ring->pop(out));
  EXPECT_TRUE(ring->push({}));
}

TEST(SightingRing, WhoGoesOnAndOnKeepsNobody) {
  const auto ring = std::make_unique<SightingRing>();
  ASSERT_TRUE(ring->push({}));
  std::size_t taken = 0;
  ring->drain([&](const Sighting&) {
    ++taken;
    ASSERT_LE(taken, SightingRing::kSlots);
    ASSERT_TRUE(ring->push({}));  // as fast as they are taken
  });
  EXPECT_EQ(taken, SightingRing::kSlots);
  taken = 0;
  Sighting out;
  ASSERT_TRUE(ring->pop(out));
  ring->drain([&](const Sighting&) { ++taken; });
  EXPECT_EQ(taken, 0U);
}

}  // namespace
}  // namespace sluice::neighbour
