// What groups and devices claim of the frames' features, and whose a frame is by it: MAC, then
// longest prefix, then VLAN (outer and inner, then outer alone), then port.
//
// Thread safety: immutable once built; find() allocates nothing and is safe on the data path.
#pragma once

#include <array>
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

/// A hash table of keys of 48 bits to groups other than 0. Both are one word, so that a look-up is
/// mostly one line of memory, and that of 100,000 devices few pages.
class NarrowClaims {
 public:
  NarrowClaims() = default;
  explicit NarrowClaims(const std::map<std::uint64_t, std::uint16_t>& claimed);

  /// 0 where the key is not there.
  [[nodiscard]] std::uint16_t find(std::uint64_t key) const {
    const std::uint64_t* const slots = slots_.data();
    for (std::size_t at = home(key);; at = (at + 1) & last_) {
      const std::uint64_t slot = slots[at];
      if (slot >> kGroupBits == key || slot == 0) return static_cast<std::uint16_t>(slot);
    }
  }

 private:
  friend class Claims;
  static constexpr unsigned kGroupBits = 16;
  static constexpr std::size_t kLeastSlots = 60;  // of few claims, hardly any two meet
  // The keys are the operator's configuration, not an attacker's choice: mixing is enough.
  [[nodiscard]] std::size_t home(std::uint64_t key) const {
    return key * 0xd6e8feb86659fd93U >> shift_;
  }
  std::vector<std::uint64_t> slots_ = {0, 0};  // a power of two, at most two thirds in use
  std::size_t last_ = 1;
  unsigned shift_ = 63;
};

/// The same of keys of three words.
class WideClaims {
 public:
  using Key = std::array<std::uint64_t, 3>;

  WideClaims() = default;
  explicit WideClaims(const std::map<Key, std::uint16_t>& claimed);

  [[nodiscard]] std::uint16_t find(const Key& key) const {
    const Slot* const slots = slots_.data();
    for (std::size_t at = hash(key);; ++at) {
      const Slot& slot = slots[at & last_];
      if (slot.group == 0 || are_equal(slot.key, key)) return slot.group;
    }
  }

 private:
  friend class Claims;
  struct Slot {
    Key key{};
    std::uint16_t group = 0;
  };
  // Where a compiler takes this for seldom called, the arrays' own operator is a call of memcmp().
  static bool are_equal(const Key& one, const Key& other) {
    return ((one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2])) == 0;
  }
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
  using Key = WideClaims::Key;
  [[nodiscard]] static Key key_of(const Mac& mac) { return {kMac << kKindAt | octets_of(mac)}; }
  [[nodiscard]] static Key key_of(const Prefix& prefix);
  [[nodiscard]] static Key key_of(const VlanMatch& vlan) { return {word_of(vlan)}; }
  [[nodiscard]] static Key key_of_port(std::uint16_t port) { return {word_of_port(port)}; }

  Claims() = default;
  explicit Claims(const std::map<Key, std::uint16_t>& claimed);

  [[nodiscard]] bool empty() const { return empty_; }
  /// Group 0 where nobody claims anything of it.
  [[nodiscard]] GroupMatch find(const Client& client) const {
    if (const auto group = find(client.mac)) return {group, MatchedBy::mac};
    return find_behind_mac(client);
  }
  /// The same where the MAC address was looked for already.
  [[nodiscard]] GroupMatch find_behind_mac(const Client& client) const {
    if (client.has_ip) {
      if (const auto group = find_address(client)) return {group, MatchedBy::prefix};
    }
    return find_place({client.outer_vlan, client.inner_vlan}, client.port);
  }
  /// Where the address was looked for as well.
  [[nodiscard]] GroupMatch find_place(const VlanMatch& vlans, std::uint16_t port) const {
    if (any_vlan_ && vlans.outer != 0) {
      if (const auto group = narrow_.find(narrow(word_of(vlans)))) return {group, MatchedBy::vlan};
      const VlanMatch outer{vlans.outer, 0};
      if (const auto group = narrow_.find(narrow(word_of(outer)))) return {group, MatchedBy::vlan};
    }
    if (any_port_) {
      if (const auto group = narrow_.find(narrow(word_of_port(port))))
        return {group, MatchedBy::port};
    }
    return {};
  }
  [[nodiscard]] std::uint16_t find(const Mac& mac) const { return find_mac(octets_of(mac)); }
  /// `mac`: its octets as they stand in memory, in the lower 48 bits, and nothing above.
  [[nodiscard]] std::uint16_t find_mac(std::uint64_t mac) const { return macs_.find(mac); }
  /// By the longest prefix; by one that is in the client's VLANs only, before all others.
  [[nodiscard]] std::uint16_t find_address(const Client& client) const {
    if (any_placed() && client.outer_vlan != 0) {
      if (const auto group = find_placed(client)) return group;
    }
    if (client.ipv6) return lengths6_.empty() ? std::uint16_t{0} : find_ipv6(client.address);
    std::uint32_t address;
    std::memcpy(&address, client.address.data(), sizeof address);
    return find_ipv4(address);
  }
  /// Of an IPv4 address as it stands in memory, where no prefix is in one VLAN only.
  [[nodiscard]] std::uint16_t find_ipv4(std::uint32_t address) const {
    for (const Length4& length : lengths4_) {
      if (const auto group = narrow_.find((address & length.mask) | length.rest)) return group;
    }
    return 0;
  }

  /// Of what is claimed, in no order: its key, and whose it is.
  template <class Visit>
  void each(Visit visit) const;

  [[nodiscard]] bool any_mac() const { return any_mac_; }
  /// Whether MAC addresses are all that is claimed, if anything is.
  [[nodiscard]] bool only_macs() const { return only_macs_; }
  [[nodiscard]] bool any_placed() const { return !placed_.empty(); }

  /// The VLANs of the prefix that is the client's whole address: none where it is so anywhere.
  /// Nothing where there is no such prefix.
  [[nodiscard]] std::optional<VlanMatch> find_host(const Client& client) const;
  [[nodiscard]] bool any_host() const { return any_host_; }

 private:
  // The first word's upper octet; a prefix' length is the one below.
  enum Kind : std::uint64_t { kMac = 1, kPrefix4, kPrefix6, kVlan, kPort, kPlaced4, kPlaced6 };
  static constexpr unsigned kKindAt = 56;
  static constexpr unsigned kLengthAt = 48;
  static constexpr std::uint64_t kMacBits = (std::uint64_t{1} << 48) - 1;

  /// How an IPv4 address, as it stands in memory, becomes the narrow key of a prefix.
  struct Length4 {
    std::uint32_t mask;
    std::uint64_t rest;
  };

  static std::uint64_t octets_of(const Mac& mac) {
    std::uint64_t word = 0;
    std::memcpy(&word, mac.data(), mac.size());
    return word;
  }
  static std::uint64_t word_of(const VlanMatch& vlan) {
    return kVlan << kKindAt | std::uint64_t{vlan.outer} << 16 | vlan.inner;
  }
  static std::uint64_t word_of_port(std::uint16_t port) { return kPort << kKindAt | port; }
  /// Of a key of one word, which is no MAC address: kind, length, and 32 bits.
  static std::uint64_t narrow(std::uint64_t word) {
    return word >> kLengthAt << 32 | (word & UINT32_MAX);
  }
  static std::uint64_t word_of_narrow(std::uint64_t key) {
    return key >> 32 << kLengthAt | (key & UINT32_MAX);
  }
  static Length4 length4(std::uint8_t length);
  [[nodiscard]] std::uint16_t find_placed(const Client& client) const;
  [[nodiscard]] std::uint16_t find_ipv6(const std::array<std::uint8_t, 16>& address) const;

  NarrowClaims macs_;
  NarrowClaims narrow_;            // all else but IPv6 prefixes and those of one VLAN
  WideClaims wide_;                // those
  std::vector<Length4> lengths4_;  // in use, longest first
  std::vector<std::uint8_t> lengths6_;
  std::vector<std::uint8_t> placed_;  // of both families, of prefixes that are in one VLAN
  bool empty_ = true;
  bool any_host_ = false;
  bool any_mac_ = false;
  bool any_vlan_ = false;
  bool any_port_ = false;
  bool only_macs_ = true;
};

template <class Visit>
void Claims::each(Visit visit) const {
  const auto each_of = [&](const NarrowClaims& claims, auto key_of) {
    for (const std::uint64_t slot : claims.slots_) {
      if (slot == 0) continue;
      visit(key_of(slot >> NarrowClaims::kGroupBits), static_cast<std::uint16_t>(slot));
    }
  };
  each_of(macs_, [](std::uint64_t mac) { return Key{kMac << kKindAt | mac}; });
  each_of(narrow_, [](std::uint64_t key) { return Key{word_of_narrow(key)}; });
  for (const WideClaims::Slot& slot : wide_.slots_) {
    if (slot.group != 0) visit(slot.key, slot.group);
  }
}

}  // namespace sluice::policy
