// Finds the group of a device in constant time: by MAC, then longest prefix, then VLAN (outer and
// inner, then outer alone), then port, then the default group.
//
// Thread safety: immutable once built; find() allocates nothing and is safe on the data path.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
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

/// A group with its policy resolved to masks. Entry 0 is the default group.
struct ResolvedGroup {
  std::string name;
  std::string policy;
  CategoryMask blocked = 0;  // whatever the time
  CategoryMask watched = 0;
  bool strict = false;
  CategoryMask cut = 0;  // connections of these categories are cut once they are blocked
  bool withhold_ech = false;
  bool refuse_encrypted_dns = false;
  std::uint16_t policy_index = kNoPolicy;  // into PolicySet::policies

  static constexpr std::uint16_t kNoPolicy = UINT16_MAX;
};

class GroupTable {
 public:
  /// What a group claims: a MAC address, a prefix and its length, VLANs or a port.
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    std::uint32_t kind = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  /// `port_names`: the inside ports in the order of Client::port. Fails where a group names an
  /// unknown policy or where two groups claim the same device.
  [[nodiscard]] static Result<GroupTable> build(const PolicySet& set,
                                                std::span<const std::string> port_names);

  [[nodiscard]] GroupMatch find(const Client& client) const;
  /// Whether any group claims a device; otherwise find() is the default group for all of them.
  [[nodiscard]] bool has_claims() const { return slots_.size() > 1; }
  [[nodiscard]] const std::vector<ResolvedGroup>& groups() const { return groups_; }
  [[nodiscard]] const BlockAnswer& answer() const { return answer_; }
  /// Whether any group does, so that it is worth to ask which.
  [[nodiscard]] bool any_withholds_ech() const { return any_withholds_ech_; }
  [[nodiscard]] bool any_refuses_encrypted_dns() const { return any_refuses_encrypted_dns_; }
  /// What any group has cut.
  [[nodiscard]] CategoryMask any_cut() const { return any_cut_; }

 private:
  struct Slot {
    Key key;
    std::uint16_t group = 0;  // 0, the default group, is an empty slot's
  };
  std::vector<ResolvedGroup> groups_;
  BlockAnswer answer_;
  std::vector<Slot> slots_{1};                     // a power of two, at most half of them in use
  std::vector<std::uint8_t> lengths4_, lengths6_;  // prefix lengths in use, longest first
  CategoryMask any_cut_ = 0;
  bool any_withholds_ech_ = false;
  bool any_refuses_encrypted_dns_ = false;
  bool any_mac_ = false;
  bool any_vlan_ = false;
  bool any_port_ = false;
};

}  // namespace sluice::policy
