// Finds the group of a device in constant time: by MAC, then longest prefix, then VLAN (outer and
// inner, then outer alone), then port, then the default group.
//
// Thread safety: immutable once built; find() allocates nothing and is safe on the data path.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/policy/claims.h"
#include "config/policy/policy.h"

namespace sluice::policy {

/// Who has a policy. Entry 0 is the default group; behind the groups stand devices that have a mode
/// of their own, each once for every set of what stands above a group, since where the device is,
/// and so in which group, only its frames tell; and where one of those modes is "normal", all
/// groups again, but for their modes.
struct ResolvedGroup {
  std::string name;
  std::string policy;                      // apart from modes
  std::uint16_t policy_index = kNoPolicy;  // into PolicySet::policies
  std::uint16_t mode = kNoMode;            // into PolicySet::modes
  bool is_device = false;                  // only while its mode holds
  /// Into PolicySet::policies, which hold whatever its policy is: of other owners; and of a device,
  /// what its group's own policy stands under.
  std::vector<std::uint16_t> layers = {};

  static constexpr std::uint16_t kNoPolicy = UINT16_MAX;
  static constexpr std::uint16_t kNoMode = UINT16_MAX;
};

class GroupTable {
 public:
  /// `port_names`: the inside ports in the order of Client::port. Fails where a group names an
  /// unknown policy or where two groups claim the same device.
  [[nodiscard]] static Result<GroupTable> build(const PolicySet& set,
                                                std::span<const std::string> port_names);

  [[nodiscard]] GroupMatch find(const Client& client) const { return claims_.find(client); }
  /// Whether any group claims a device; otherwise find() is the default group for all of them.
  [[nodiscard]] bool has_claims() const { return !claims_.empty(); }
  /// The same as an index into groups(), or of what stands for the device while it has a mode.
  /// `masks`: of the moment, in the order of groups().
  [[nodiscard]] std::uint16_t find(const Client& client, const Masks* masks) const {
    return devices_.empty() ? find(client).group : find_device(client, masks);
  }
  /// Whether some device has a mode of its own. Otherwise what claims() finds is the group.
  [[nodiscard]] bool any_device_mode() const { return !devices_.empty(); }
  [[nodiscard]] const Claims& claims() const { return claims_; }
  /// Whether there is anything to find; otherwise it is the default group for all of them.
  [[nodiscard]] bool knows_devices() const { return has_claims() || !devices_.empty(); }
  /// Whether any group or mode names a device by its address, and its other addresses are to be
  /// taken for that one (PolicySet::follow_addresses).
  [[nodiscard]] bool names_hosts() const { return names_hosts_; }
  /// Whether the client's own address is such a one.
  [[nodiscard]] bool names_host(const Client& client) const {
    return host_name(client).has_value();
  }
  /// In which VLANs it is named so; none of them: anywhere, whatever VLAN and port it has.
  [[nodiscard]] std::optional<VlanMatch> host_name(const Client& client) const;
  /// By which of its features a device may be one that an `only` concerns, as claims of any group:
  /// what claims nothing of them is of no such policy. Nothing where so many are that it is no use
  /// to ask first. `masks`: of all of groups().
  [[nodiscard]] std::optional<Claims> curated_claims(const std::vector<Masks>& masks) const;
  [[nodiscard]] const std::vector<ResolvedGroup>& groups() const { return groups_; }
  [[nodiscard]] const BlockAnswer& answer() const { return answer_; }
  /// Whether any group does, so that it is worth to ask which.
  [[nodiscard]] bool any_withholds_ech() const { return any_withholds_ech_; }
  [[nodiscard]] bool any_refuses_encrypted_dns() const { return any_refuses_encrypted_dns_; }

 private:
  [[nodiscard]] std::uint16_t find_device(const Client& client, const Masks* masks) const;
  void note(const PolicySet& set, const Policy& policy);
  [[nodiscard]] Status add_layers(const PolicySet& set);
  [[nodiscard]] Status add_modes(const PolicySet& set);
  [[nodiscard]] std::vector<std::vector<std::uint16_t>> layer_sets(const PolicySet& set,
                                                                   std::size_t devices);
  std::vector<ResolvedGroup> groups_;
  BlockAnswer answer_;
  Claims claims_;
  Claims devices_;                // the same of devices with modes
  std::uint16_t plain_from_ = 0;  // of groups_; 0: they are not there again
  /// Of each group, which of the sets of layers a device's mode has there; empty: there is one for
  /// all of them.
  std::vector<std::uint16_t> layer_set_;
  bool any_withholds_ech_ = false;
  bool any_refuses_encrypted_dns_ = false;
  bool names_hosts_ = false;
};

}  // namespace sluice::policy
