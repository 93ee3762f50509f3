// Finds the group of a device in constant time: by MAC, then longest prefix, then VLAN (outer and
// inner, then outer alone), then port, then the default group.
//
// Thread safety: immutable once built; find() allocates nothing and is safe on the data path.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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
  std::uint16_t port = 0;                  // index of the inside port
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
  CategoryMask blocked = 0;
  CategoryMask watched = 0;
  bool strict = false;
};

class GroupTable {
 public:
  /// `port_names`: the inside ports in the order of Client::port. Fails where a group names an
  /// unknown policy or where two groups claim the same device.
  [[nodiscard]] static Result<GroupTable> build(const PolicySet& set,
                                                std::span<const std::string> port_names);

  [[nodiscard]] GroupMatch find(const Client& client) const;
  [[nodiscard]] const std::vector<ResolvedGroup>& groups() const { return groups_; }
  [[nodiscard]] const BlockAnswer& answer() const { return answer_; }

 private:
  struct KeyHash {
    std::size_t operator()(const std::array<std::uint8_t, 18>& key) const;
  };
  using Key = std::array<std::uint8_t, 18>;
  std::vector<ResolvedGroup> groups_;
  BlockAnswer answer_;
  std::unordered_map<Key, std::uint16_t, KeyHash> table_;  // never changed after build()
  std::vector<std::uint8_t> lengths4_, lengths6_;          // prefix lengths in use, longest first
  bool any_mac_ = false;
  bool any_vlan_ = false;
  bool any_port_ = false;
};

}  // namespace sluice::policy
