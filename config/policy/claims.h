// What groups and devices claim of the frames' features, and whose a frame is by it: MAC, then
// longest prefix, then VLAN (outer and inner, then outer alone), then port.
//
// Thread safety: immutable once built; find() allocates nothing and is safe on the data path.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "config/policy/policy.h"

namespace sluice::policy {

/// What a frame says of the device that sent it.
struct Client {
  Mac mac{};
  bool has_ip = false;
  bool ipv6 = false;
  std::array<std::uint8_t, 16> address{};  // IPv4 in the first four octets
  std::uint16_t outer_vlan = 0;
  std::uint16_t inner_vlan = 0;
  std::uint16_t port = 0;  // index of the inside port
};

enum class MatchedBy : std::uint8_t { mac, prefix, vlan, port, fallback };
[[nodiscard]] std::string_view text(MatchedBy by);

struct GroupMatch {
  std::uint16_t group = 0;  // index into GroupTable::groups()
  MatchedBy by = MatchedBy::fallback;
};

/// A hash table of keys of so many words to groups other than 0.
template <std::size_t kWords>
class ClaimTable {
 public:
  using Key = std::array<std::uint64_t, kWords>;

  ClaimTable() = default;
  explicit ClaimTable(const std::map<Key, std::uint16_t>& claimed)
      : slots_(std::bit_ceil(claimed.size() * 2 + 1)), last_(slots_.size() - 1) {
    for (const auto& [key, group] : claimed) {
      std::size_t at = hash(key);
      while (slots_[at & last_].group != 0) ++at;
      slots_[at & last_] = {key, group};
    }
  }

  /// 0 where the key is not there.
  [[nodiscard]] std::uint16_t find(const Key& key) const {
    const Slot* const slots = slots_.data();
    for (std::size_t at = hash(key);; ++at) {
      const Slot& slot = slots[at & last_];
      if (slot.group == 0 || are_equal(slot.key, key)) return slot.group;
    }
  }

 private:
  struct Slot {
    Key key{};
    std::uint16_t group = 0;
  };
  // Where a compiler takes this for seldom called, the arrays' own operator is a call of memcmp().
  static bool are_equal(const Key& one, const Key& other) {
    std::uint64_t differing = 0;
    for (std::size_t i = 0; i < kWords; ++i) differing |= one[i] ^ other[i];
    return differing == 0;
  }
  // The keys are the operator's configuration, not an attacker's choice: mixing is enough.
  static std::size_t hash(const Key& key) {
    std::uint64_t h = 0;
    for (const std::uint64_t word : key) {
      h = (h ^ word) * 0xd6e8feb86659fd93U;
      h ^= h >> 32;
    }
    return h;
  }
  std::vector<Slot> slots_{1};  // a power of two, at most half of them in use
  std::size_t last_ = 0;
};

class Claims {
 public:
  /// What is claimed. Only an IPv6 prefix and one that is in a VLAN take more than the first word.
  using Key = std::array<std::uint64_t, 3>;
  [[nodiscard]] static Key key_of(const Mac& mac) { return {word_of(mac)}; }
  [[nodiscard]] static Key key_of(const Prefix& prefix);
  [[nodiscard]] static Key key_of(const VlanMatch& vlan) { return {word_of(vlan)}; }
  [[nodiscard]] static Key key_of_port(std::uint16_t port) { return {kPort << kKindAt | port}; }

  Claims() = default;
  explicit Claims(const std::map<Key, std::uint16_t>& claimed);

  [[nodiscard]] bool empty() const { return empty_; }
  /// Group 0 where nobody claims anything of it.
  [[nodiscard]] GroupMatch find(const Client& client) const {
    if (any_mac_) {
      if (const auto group = find(client.mac)) return {group, MatchedBy::mac};
    }
    if (client.has_ip) {
      if (const auto group = find_address(client)) return {group, MatchedBy::prefix};
    }
    if (any_vlan_ && client.outer_vlan != 0) {
      const VlanMatch vlans{client.outer_vlan, client.inner_vlan};
      if (const auto group = narrow_.find({word_of(vlans)})) return {group, MatchedBy::vlan};
      const VlanMatch outer{client.outer_vlan, 0};
      if (const auto group = narrow_.find({word_of(outer)})) return {group, MatchedBy::vlan};
    }
    if (any_port_) {
      if (const auto group = narrow_.find({kPort << kKindAt | client.port}))
        return {group, MatchedBy::port};
    }
    return {};
  }
  [[nodiscard]] std::uint16_t find(const Mac& mac) const { return narrow_.find({word_of(mac)}); }
  /// By the longest prefix; by one that is in the client's VLANs only, before all others.
  [[nodiscard]] std::uint16_t find_address(const Client& client) const {
    if (!placed_.empty() && client.outer_vlan != 0) {
      if (const auto group = find_placed(client)) return group;
    }
    if (client.ipv6) return lengths6_.empty() ? std::uint16_t{0} : find_ipv6(client.address);
    std::uint32_t address;
    std::memcpy(&address, client.address.data(), sizeof address);
    for (const Length4& length : lengths4_) {
      if (const auto group = narrow_.find({(address & length.mask) | length.rest})) return group;
    }
    return 0;
  }

  /// The VLANs of the prefix that is the client's whole address: none where it is so anywhere.
  /// Nothing where there is no such prefix.
  [[nodiscard]] std::optional<VlanMatch> find_host(const Client& client) const;
  [[nodiscard]] bool any_host() const { return any_host_; }

 private:
  // The first word's upper octet; a prefix' length is the one below.
  enum Kind : std::uint64_t { kMac = 1, kPrefix4, kPrefix6, kVlan, kPort, kPlaced4, kPlaced6 };
  static constexpr unsigned kKindAt = 56;
  static constexpr unsigned kLengthAt = 48;

  /// How an IPv4 address, as it stands in memory, becomes the key of a prefix.
  struct Length4 {
    std::uint32_t mask;
    std::uint64_t rest;
  };

  static std::uint64_t word_of(const Mac& mac) {
    std::uint64_t word = 0;
    std::memcpy(&word, mac.data(), mac.size());
    return kMac << kKindAt | word;
  }
  static std::uint64_t word_of(const VlanMatch& vlan) {
    return kVlan << kKindAt | std::uint64_t{vlan.outer} << 16 | vlan.inner;
  }
  static Length4 length4(std::uint8_t length);
  [[nodiscard]] std::uint16_t find_placed(const Client& client) const;
  [[nodiscard]] std::uint16_t find_ipv6(const std::array<std::uint8_t, 16>& address) const;

  ClaimTable<1> narrow_;           // all but IPv6 prefixes and those of one VLAN
  ClaimTable<3> wide_;             // those
  std::vector<Length4> lengths4_;  // in use, longest first
  std::vector<std::uint8_t> lengths6_;
  std::vector<std::uint8_t> placed_;  // of both families, of prefixes that are in one VLAN
  bool empty_ = true;
  bool any_host_ = false;
  bool any_mac_ = false;
  bool any_vlan_ = false;
  bool any_port_ = false;
};

}  // namespace sluice::policy
