#include "dataplane/worker/flow_hash.h"

#include <gtest/gtest.h>
#include <set>

#include "tests/unit/dataplane/builder.h"

namespace sluice::worker {
namespace {

using test::Bytes;

// The same flow seen from the other side.
Bytes reversed(Bytes bytes, bool ipv6) {
  std::swap_ranges(bytes.begin(), bytes.begin() + 6, bytes.begin() + 6);
  const long addresses = ipv6 ? 14 + 8 : 14 + 12;
  const long octets = ipv6 ? 16 : 4;
  std::swap_ranges(bytes.begin() + addresses, bytes.begin() + addresses + octets,
                   bytes.begin() + addresses + octets);
  const long ports = ipv6 ? 14 + 40 : 14 + 20;
  std::swap_ranges(bytes.begin() + ports, bytes.begin() + ports + 2, bytes.begin() + ports + 2);
  return bytes;
}

TEST(FlowHash, IsTheSameInBothDirections) {
  for (const bool ipv6 : {false, true}) {
    for (std::uint16_t port = 40000; port < 40100; ++port) {
      const Bytes there = test::frame({1}, {.ipv6 = ipv6, .source_port = port});
      EXPECT_EQ(flow_hash(there), flow_hash(reversed(there, ipv6)));
    }
  }
}

TEST(FlowHash, SpreadsFlowsOverLcores) {
  std::array<int, 4> share{};
  for (unsigned port = 40000; port < 44000; ++port) {
    const Bytes bytes = test::frame({1}, {.source_port = static_cast<std::uint16_t>(port)});
    ++share[flow_hash(bytes) % share.size()];
  }
  for (const int one : share) EXPECT_NEAR(one, 1000, 120);  // four standard deviations
}

TEST(FlowHash, KeepsFragmentsOfADatagramTogether) {
  const Bytes first = test::frame({1, 2}, {.fragment = 0x2000});
  const Bytes later = test::frame({3, 4}, {.source_port = 9, .fragment = 0x0005});
  EXPECT_EQ(flow_hash(first), flow_hash(later));
}

TEST(FlowHash, AnyFrameHasOne) {
  (void)flow_hash(Bytes{});
  (void)flow_hash(Bytes(11));
  EXPECT_EQ(flow_hash(Bytes(12)), flow_hash(Bytes(60)));
}

}  // namespace
}  // namespace sluice::worker
