// Keys that are derived together against those that are derived one by one, and by OpenSSL's HKDF.
#include "dataplane/inspect/quic/derive_lanes.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/unit/dataplane/quic/initial_builder.h"

namespace sluice::inspect::quic {
namespace {

using test::Bytes;
using test::from_hex;
using test::to_hex;

/// Of any length that a header may hold.
ConnectionId any_connection_id(std::mt19937& random) {
  Bytes octets(random() % (kMaxConnectionIdOctets + 1));
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
  ConnectionId id;
  id.assign(octets);
  return id;
}

std::vector<ConnectionId> any_connection_ids(std::mt19937& random, std::size_t count) {
  std::vector<ConnectionId> ids(count);
  for (ConnectionId& id : ids) id = any_connection_id(random);
  return ids;
}

void expect_client_keys(const VersionTraits& traits, std::span<const ConnectionId> destinations,
                        std::span<const Keys> keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Keys expected = derive_keys(traits, destinations[i].octets(), Side::client);
    ASSERT_EQ(keys[i].key, expected.key) << i << " of " << keys.size();
    ASSERT_EQ(keys[i].iv, expected.iv) << i << " of " << keys.size();
    ASSERT_EQ(keys[i].header, expected.header) << i << " of " << keys.size();
  }
}

class EveryLaneSet : public testing::TestWithParam<LaneSet> {
 protected:
  // A processor without them has none of this to go wrong.
  bool has_it() const { return GetParam() != LaneSet::none && has_lanes(GetParam()); }
  std::mt19937 random_{std::random_device{}()};
};

TEST_P(EveryLaneSet, PropertyEveryCountOfEveryVersionAgrees) {
  if (!has_it()) return;
  for (const VersionTraits& traits : all_version_traits()) {
    for (std::size_t count = 1; count <= lanes_of(GetParam()); ++count) {
      const auto destinations = any_connection_ids(random_, count);
      std::vector<Keys> keys(count);
      derive_in_lanes(GetParam(), client_labels(traits), destinations, keys);
      expect_client_keys(traits, destinations, keys);
    }
  }
}

/// RFC 9001 appendix A.1 and RFC 9369 appendix A.1, in every lane.
TEST_P(EveryLaneSet, DerivesTheSamples) {
  if (!has_it()) return;
  ConnectionId sample;
  sample.assign(from_hex("8394c8f03e515708"));
  const auto expect = [&](Version version, std::string_view key, std::string_view iv,
                          std::string_view header) {
    for (std::size_t lane = 0; lane < lanes_of(GetParam()); ++lane) {
      auto destinations = any_connection_ids(random_, lanes_of(GetParam()));
      destinations[lane] = sample;
      std::vector<Keys> keys(destinations.size());
      derive_in_lanes(GetParam(), client_labels(*version_traits(version)), destinations, keys);
      EXPECT_EQ(to_hex(keys[lane].key), key);
      EXPECT_EQ(to_hex(keys[lane].iv), iv);
      EXPECT_EQ(to_hex(keys[lane].header), header);
    }
  };
  expect(Version::v1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
         "9f50449e04a0e810283a1e9933adedd2");
  expect(Version::v2, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
         "45b95e15235d6f45a6b19cbcb0294ba9");
}

INSTANTIATE_TEST_SUITE_P(Sets, EveryLaneSet, testing::Values(LaneSet::avx2, LaneSet::avx512));

/// As this processor does it: whole vectors, what is left over, and one alone.
TEST(DeriveClientKeys, PropertyEveryCountAgrees) {
  std::mt19937 random{std::random_device{}()};
  const VersionTraits& traits = *version_traits(Version::v1);
  for (std::size_t count = 0; count <= 40; ++count) {
    const auto destinations = any_connection_ids(random, count);
    std::vector<Keys> keys(count);
    derive_client_keys(traits, destinations, keys);
    expect_client_keys(traits, destinations, keys);
  }
}

TEST(DeriveClientKeys, AgreesWithTheLibrary) {
  std::mt19937 random{std::random_device{}()};
  const auto destinations = any_connection_ids(random, 33);
  std::vector<Keys> keys(destinations.size());
  for (const std::uint32_t version : {test::kV1, test::kV2}) {
    derive_client_keys(*version_traits(Version{version}), destinations, keys);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto octets = destinations[i].octets();
      if (octets.empty()) continue;  // which OpenSSL takes for no key at all
      const auto expected = test::initial_keys(version, Bytes(octets.begin(), octets.end()), false);
      EXPECT_EQ(to_hex(keys[i].key), to_hex(expected.key));
      EXPECT_EQ(to_hex(keys[i].iv), to_hex(expected.iv));
      EXPECT_EQ(to_hex(keys[i].header), to_hex(expected.header));
    }
  }
}

}  // namespace
}  // namespace sluice::inspect::quic
