// Whose a frame is, by many claims: the same as by looking at all of them in turn.
#include "config/policy/claims.h"

#include <gtest/gtest.h>
#include <random>

namespace sluice::policy {
namespace {

struct Claim {
  MatchedBy by = MatchedBy::mac;
  Mac mac{};
  Prefix prefix;
  VlanMatch vlan;
  std::uint16_t port = 0;
  std::uint16_t group = 0;
};

bool covers(const Prefix& prefix, const Client& client) {
  if (!client.has_ip || prefix.ipv6 != client.ipv6) return false;
  for (unsigned bit = 0; bit < prefix.length; ++bit) {
    const unsigned shift = 7 - bit % 8;
    if ((prefix.address[bit / 8] >> shift & 1) != (client.address[bit / 8] >> shift & 1))
      return false;
  }
  return true;
}

/// The rules as they are written: MAC, prefixes of the client's VLANs, longest first and of both
/// tags before the outer one's, other prefixes, VLANs, port.
GroupMatch look_at_all(const std::vector<Claim>& claims, const Client& client) {
  GroupMatch best;
  int rank = 0;
  const auto take = [&](int its, const Claim& claim) {
    if (its <= rank) return;
    rank = its;
    best = {claim.group, claim.by};
  };
  for (const Claim& claim : claims) {
    switch (claim.by) {
      case MatchedBy::mac:
        if (claim.mac == client.mac) take(10'000, claim);
        break;
      case MatchedBy::prefix: {
        const VlanMatch& vlan = claim.prefix.vlan;
        if (!covers(claim.prefix, client)) break;
        if (vlan.outer == 0) {
          take(1'000 + claim.prefix.length, claim);
        } else if (vlan.outer == client.outer_vlan &&
                   (vlan.inner == 0 || vlan.inner == client.inner_vlan)) {
          take(2'000 + 2 * claim.prefix.length + (vlan.inner != 0 ? 1 : 0), claim);
        }
        break;
      }
      case MatchedBy::vlan:
        if (client.outer_vlan != claim.vlan.outer || client.outer_vlan == 0) break;
        if (claim.vlan.inner == 0 || claim.vlan.inner == client.inner_vlan)
          take(claim.vlan.inner != 0 ? 101 : 100, claim);
        break;
      case MatchedBy::port:
        if (claim.port == client.port) take(10, claim);
        break;
      case MatchedBy::fallback:
        break;
    }
  }
  return best;
}

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  unsigned below(unsigned limit) { return static_cast<unsigned>(engine_() % limit); }
  /// Of few values, so that many meet.
  std::array<std::uint8_t, 16> address(bool ipv6) {
    std::array<std::uint8_t, 16> out{};
    out[0] = ipv6 ? 0x20 : 10;
    for (unsigned i = 1; i < (ipv6 ? 16U : 4U); ++i) {
      out[i] = static_cast<std::uint8_t>(below(3) * 0x55);
    }
    return out;
  }
  Mac mac() { return {2, 0, 0, 0, 0, static_cast<std::uint8_t>(below(40))}; }

 private:
  std::mt19937 engine_;
};

Claims::Key key_of(const Claim& claim) {
  switch (claim.by) {
    case MatchedBy::mac:
      return Claims::key_of(claim.mac);
    case MatchedBy::prefix:
      return Claims::key_of(claim.prefix);
    case MatchedBy::vlan:
      return Claims::key_of(claim.vlan);
    default:
      return Claims::key_of_port(claim.port);
  }
}

Claim any_claim(Random& random, bool placed) {
  constexpr std::array kBy = {MatchedBy::mac, MatchedBy::prefix, MatchedBy::prefix, MatchedBy::vlan,
                              MatchedBy::port};
  Claim claim;
  claim.by = kBy[random.below(kBy.size())];
  claim.mac = random.mac();
  const bool ipv6 = random.below(2) == 0;
  claim.prefix.ipv6 = ipv6;
  claim.prefix.length = static_cast<std::uint8_t>(random.below(ipv6 ? 129 : 33));
  const auto address = random.address(ipv6);
  for (unsigned bit = 0; bit < claim.prefix.length; ++bit) {
    claim.prefix.address[bit / 8] |= static_cast<std::uint8_t>(address[bit / 8] & 0x80 >> bit % 8);
  }
  claim.vlan = {static_cast<std::uint16_t>(1 + random.below(3)),
                static_cast<std::uint16_t>(random.below(3))};
  if (placed && random.below(2) == 0) claim.prefix.vlan = claim.vlan;
  claim.port = static_cast<std::uint16_t>(random.below(3));
  return claim;
}

TEST(Claims, AreWhatLookingAtAllOfThemTells) {
  for (unsigned round = 0; round < 300; ++round) {
    Random random(round);
    std::map<Claims::Key, std::uint16_t> keys;
    std::vector<Claim> claims;
    const unsigned count = 1 + random.below(round % 3 == 0 ? 400 : 12);
    for (unsigned i = 0; i < count; ++i) {
      Claim claim = any_claim(random, round % 2 == 0);
      claim.group = static_cast<std::uint16_t>(i % 7 == 0 ? UINT16_MAX - i : 1 + i);
      if (keys.emplace(key_of(claim), claim.group).second) claims.push_back(claim);
    }
    const Claims table(keys);
    std::map<Claims::Key, std::uint16_t> again;
    table.each([&](const Claims::Key& key, std::uint16_t group) { again.emplace(key, group); });
    ASSERT_EQ(again, keys);
    for (unsigned i = 0; i < 300; ++i) {
      Client client{.mac = random.mac(),
                    .has_ip = random.below(8) != 0,
                    .ipv6 = random.below(2) == 0,
                    .address = {},
                    .outer_vlan = static_cast<std::uint16_t>(random.below(4)),
                    .inner_vlan = 0,
                    .port = static_cast<std::uint16_t>(random.below(4))};
      client.address = random.address(client.ipv6);
      if (client.outer_vlan != 0) client.inner_vlan = static_cast<std::uint16_t>(random.below(4));
      const GroupMatch found = table.find(client);
      const GroupMatch expected = look_at_all(claims, client);
      ASSERT_EQ(found.group, expected.group) << "round " << round << ", client " << i;
      ASSERT_EQ(found.by, expected.by);
    }
  }
}

TEST(Claims, TellManyDevicesApart) {
  std::map<Claims::Key, std::uint16_t> keys;
  const auto mac = [](unsigned i) {
    return Mac{0,
               0,
               0,
               static_cast<std::uint8_t>(i >> 16),
               static_cast<std::uint8_t>(i >> 8),
               static_cast<std::uint8_t>(i)};
  };
  const auto host = [](unsigned i) {
    Prefix prefix{.length = 32};
    prefix.address = {static_cast<std::uint8_t>(i >> 16), static_cast<std::uint8_t>(i >> 8),
                      static_cast<std::uint8_t>(i)};
    return prefix;
  };
  const auto group = [](unsigned i) { return static_cast<std::uint16_t>(1 + i % UINT16_MAX); };
  for (unsigned i = 0; i < 100'000; ++i) {
    keys[Claims::key_of(mac(i))] = group(i);
    keys[Claims::key_of(host(i))] = group(i + 1);
  }
  const Claims table(keys);
  for (unsigned i = 0; i < 200'000; ++i) {
    ASSERT_EQ(table.find(mac(i)), i < 100'000 ? group(i) : 0) << i;
    ASSERT_EQ(table.find_address({.has_ip = true, .address = host(i).address}),
              i < 100'000 ? group(i + 1) : 0);
  }
}

}  // namespace
}  // namespace sluice::policy
