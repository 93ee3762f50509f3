// Keys are the right ones, whatever was expected, in whatever order they are asked for.
#include "dataplane/inspect/quic/client_keys.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/unit/dataplane/quic/initial_builder.h"

namespace sluice::inspect::quic {
namespace {

using test::Bytes;

/// What a datagram with an Initial begins with.
Bytes make_front(std::uint32_t version, const Bytes& destination) {
  Bytes out = {static_cast<std::uint8_t>(test::is_v2(version) ? 0xd0 : 0xc0)};
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(version >> shift));
  }
  out.push_back(static_cast<std::uint8_t>(destination.size()));
  test::put(out, destination);
  out.push_back(0);
  return out;
}

bool are_equal(const Keys& left, const Keys& right) {
  return left.key == right.key && left.iv == right.iv && left.header == right.header;
}

class ClientKeysTest : public testing::Test {
 protected:
  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }
  /// Few of them, so that clients send several of a connection, and some of two versions.
  Bytes any_destination() { return Bytes(below(21), static_cast<std::uint8_t>(below(40))); }
  std::uint32_t any_version() {
    constexpr std::array<std::uint32_t, 5> kVersions = {test::kV1, test::kV1, test::kV1, test::kV2,
                                                        0x12345678};
    return kVersions[below(kVersions.size())];
  }
  Bytes any_datagram() {
    Bytes front = make_front(any_version(), any_destination());
    if (below(8) == 0) front.resize(below(static_cast<unsigned>(front.size()) + 1));
    if (below(8) == 0 && !front.empty()) front[0] = static_cast<std::uint8_t>(random_());
    return front;
  }

  std::mt19937 random_{std::random_device{}()};
  ClientKeys keys_;
};

TEST_F(ClientKeysTest, PropertyWhateverIsExpectedTheyAreRight) {
  for (int burst = 0; burst < 500; ++burst) {
    std::vector<Bytes> datagrams(below(41));
    for (Bytes& datagram : datagrams) datagram = any_datagram();
    keys_.begin_burst();
    for (const Bytes& datagram : datagrams) {
      if (below(8) != 0) keys_.expect(datagram);
    }
    for (const Bytes& datagram : datagrams) {
      if (below(4) != 0) keys_.reach(datagram);
      for (unsigned asked = below(3); asked > 0; --asked) {
        const VersionTraits* traits = nullptr;
        std::span<const std::uint8_t> octets;
        Bytes destination = any_destination();
        if (asked == 1 && read_destination(datagram, traits, octets)) {
          destination.assign(octets.begin(), octets.end());
        } else {
          traits = &all_version_traits()[below(kVersionTraits)];
        }
        const Keys expected = derive_keys(*traits, destination, Side::client);
        ConnectionId id;
        id.assign(destination);
        ASSERT_TRUE(are_equal(keys_.find(*traits, id), expected));
      }
    }
  }
}

TEST_F(ClientKeysTest, ReadsTheDestinationOfAnInitialOnly) {
  const VersionTraits* traits = nullptr;
  std::span<const std::uint8_t> destination;
  const Bytes eight = {1, 2, 3, 4, 5, 6, 7, 8};
  const Bytes front = make_front(test::kV1, eight);
  ASSERT_TRUE(read_destination(front, traits, destination));
  EXPECT_EQ(traits, version_traits(Version::v1));
  EXPECT_EQ(Bytes(destination.begin(), destination.end()), eight);
  for (std::size_t octets = 0; octets + 1 < front.size(); ++octets) {
    EXPECT_FALSE(read_destination(std::span(front).first(octets), traits, destination)) << octets;
  }
  Bytes handshake = front;
  handshake[0] = 0xe0;
  EXPECT_FALSE(read_destination(handshake, traits, destination));
  Bytes short_header = front;
  short_header[0] = 0x40;
  EXPECT_FALSE(read_destination(short_header, traits, destination));
  EXPECT_FALSE(read_destination(make_front(0x12345678, eight), traits, destination));
  EXPECT_FALSE(read_destination(make_front(test::kV1, Bytes(21)), traits, destination));
}

}  // namespace
}  // namespace sluice::inspect::quic
