#include "config/policy/group_table.h"

#include <algorithm>
#include <map>
#include <set>

namespace sluice::policy {

Result<GroupTable> GroupTable::build(const PolicySet& set,
                                     std::span<const std::string> port_names) {
  std::map<std::string_view, const Policy*> policies;
  for (const Policy& policy : set.policies) policies[policy.name] = &policy;

  GroupTable table;
  table.answer_ = set.answer;
  const auto resolve = [&](const std::string& group, const std::string& policy) -> Status {
    const auto found = policies.find(policy);
    if (found == policies.end()) {
      return fail("no policy is named '" + policy + "'", "groups." + group,
                  "define it under policies");
    }
    const Policy& by = *found->second;
    table.groups_.push_back(
        {.name = group,
         .policy = policy,
         .policy_index = static_cast<std::uint16_t>(&by - set.policies.data())});
    table.note(set, by);
    return {};
  };
  const std::string first(kDefaultGroup);
  if (set.default_policy.empty()) {
    table.groups_.push_back({.name = first});
  } else if (auto status = resolve(first, set.default_policy); !status) {
    return fail(status.error());
  }

  if (set.groups.size() > UINT16_MAX) {
    return fail("there are more than 65535 groups", "groups", "unite some of them");
  }
  std::map<Claims::Key, std::uint16_t> claimed;
  for (const Group& group : set.groups) {
    if (auto status = resolve(group.name, group.policy); !status) return fail(status.error());
    const auto index = static_cast<std::uint16_t>(table.groups_.size() - 1);
    const auto claim = [&](const Claims::Key& key, const std::string& what) -> Status {
      const auto [at, fresh] = claimed.emplace(key, index);
      if (!fresh && at->second != index) {
        return fail(what + " is also in group '" + table.groups_[at->second].name + "'",
                    "groups." + group.name, "keep it in one group");
      }
      return {};
    };
    Status status;
    for (const Mac& mac : group.macs) {
      if (status = claim(Claims::key_of(mac), text(mac)); !status) return fail(status.error());
    }
    for (const Prefix& prefix : group.prefixes) {
      if (status = claim(Claims::key_of(prefix), text(prefix)); !status) {
        return fail(status.error());
      }
    }
    for (const VlanMatch& vlan : group.vlans) {
      status = claim(Claims::key_of(vlan), "VLAN " + std::to_string(vlan.outer));
      if (!status) return fail(status.error());
    }
    for (const std::string& port : group.ports) {
      const auto at = std::find(port_names.begin(), port_names.end(), port);
      if (at == port_names.end()) continue;  // a port of another pair set: nothing arrives on it
      const auto index_of_port = static_cast<std::uint16_t>(at - port_names.begin());
      status = claim(Claims::key_of_port(index_of_port), "port " + port);
      if (!status) return fail(status.error());
    }
  }
  table.claims_ = Claims(claimed);
  if (auto status = table.add_layers(set); !status) return fail(status.error());
  if (auto status = table.add_modes(set); !status) return fail(status.error());
  const bool by_mode = std::any_of(set.modes.begin(), set.modes.end(),
                                   [](const Mode& mode) { return mode.address.has_value(); });
  table.names_hosts_ = set.follow_addresses && (by_mode || table.claims_.any_host());
  return table;
}

/// What has to be asked about because of a policy that is some group's, or may be by a mode.
void GroupTable::note(const PolicySet& set, const Policy& policy) {
  any_withholds_ech_ |= policy.withhold_ech;
  any_refuses_encrypted_dns_ |= policy.refuse_encrypted_dns;
  if (policy.under != Policy::kNone) note(set, set.policies[policy.under]);
}

Status GroupTable::add_layers(const PolicySet& set) {
  for (const Layer& layer : set.layers) {
    const auto by = std::find_if(set.policies.begin(), set.policies.end(),
                                 [&](const Policy& one) { return one.name == layer.policy; });
    if (by == set.policies.end()) {
      return fail("no policy is named '" + layer.policy + "'", "layers", "compile it again");
    }
    note(set, *by);
    for (ResolvedGroup& group : groups_) {
      const bool named =
          std::find(layer.groups.begin(), layer.groups.end(), group.name) != layer.groups.end();
      if (!layer.everybody && !named) continue;
      group.layers.push_back(static_cast<std::uint16_t>(by - set.policies.begin()));
    }
  }
  return {};
}

/// What holds in groups besides the policy of a device's mode: what their own policies stand under,
/// and layers of other owners. Where so many devices would have too many such sets, one that has
/// all.
std::vector<std::vector<std::uint16_t>> GroupTable::layer_sets(const PolicySet& set,
                                                               std::size_t devices) {
  std::vector<std::vector<std::uint16_t>> sets;
  layer_set_.clear();
  for (const ResolvedGroup& group : groups_) {
    std::vector<std::uint16_t> layers;
    if (group.policy_index != ResolvedGroup::kNoPolicy) {
      const std::uint16_t under = set.policies[group.policy_index].under;
      if (under != Policy::kNone) layers.push_back(under);
    }
    layers.insert(layers.end(), group.layers.begin(), group.layers.end());
    const auto found = std::find(sets.begin(), sets.end(), layers);
    layer_set_.push_back(static_cast<std::uint16_t>(found - sets.begin()));
    if (found == sets.end()) sets.push_back(std::move(layers));
  }
  if (2 * groups_.size() + devices * sets.size() > UINT16_MAX) {
    std::set<std::uint16_t> all;
    for (const auto& one : sets) all.insert(one.begin(), one.end());
    sets = {{all.begin(), all.end()}};
  }
  if (sets.size() == 1) layer_set_.clear();
  return sets;
}

Status GroupTable::add_modes(const PolicySet& set) {
  const std::size_t own = groups_.size();
  const auto devices_with_modes =
      std::count_if(set.modes.begin(), set.modes.end(),
                    [](const Mode& mode) { return mode.mac || mode.address; });
  const auto sets = layer_sets(set, static_cast<std::size_t>(devices_with_modes));
  std::map<Claims::Key, std::uint16_t> devices;
  bool any_normal = false;
  for (std::size_t i = 0; i < set.modes.size(); ++i) {
    const Mode& mode = set.modes[i];
    const auto index = static_cast<std::uint16_t>(i);
    const auto by = std::find_if(set.policies.begin(), set.policies.end(),
                                 [&](const Policy& one) { return one.name == mode.policy; });
    if (by != set.policies.end()) note(set, *by);
    if (by == set.policies.end() && !mode.policy.empty()) {
      return fail("no policy is named '" + mode.policy + "'", "modes." + subject(mode),
                  "end the mode: sluicectl mode end " + subject(mode));
    }
    if (!mode.mac && !mode.address) {
      const auto group = std::find_if(groups_.begin(), groups_.begin() + static_cast<long>(own),
                                      [&](const auto& one) { return one.name == mode.group; });
      // A group that is no longer there has no mode.
      if (group != groups_.begin() + static_cast<long>(own)) group->mode = index;
      continue;
    }
    any_normal = any_normal || mode.policy.empty();
    const Claims::Key key = mode.mac ? Claims::key_of(*mode.mac) : Claims::key_of(*mode.address);
    devices[key] = static_cast<std::uint16_t>(groups_.size());
    for (const auto& layers : sets) {
      groups_.push_back({.name = "one device",
                         .policy = mode.policy,
                         .policy_index = by == set.policies.end() ? ResolvedGroup::kNoPolicy
                                                                  : static_cast<std::uint16_t>(
                                                                        by - set.policies.begin()),
                         .mode = index,
                         .is_device = true,
                         .layers = layers});
    }
  }
  const std::size_t most = groups_.size() + (any_normal ? own : 0);
  if (devices.empty()) return {};
  if (most > UINT16_MAX) {
    return fail("groups and devices with modes are more than 65535", "modes", "end some modes");
  }
  devices_ = Claims(devices);
  if (!any_normal) return {};
  plain_from_ = static_cast<std::uint16_t>(groups_.size());
  for (std::size_t i = 0; i < own; ++i) {
    groups_.push_back(groups_[i]);
    groups_.back().mode = ResolvedGroup::kNoMode;
  }
  return {};
}

std::uint16_t GroupTable::find_device(const Client& client, const Masks* masks) const {
  std::uint16_t device = devices_.find(client.mac);
  if ((device == 0 || !masks[device].in_force) && client.has_ip) {
    device = devices_.find_address(client);
  }
  const bool has_mode = device != 0 && masks[device].in_force;
  const bool has_policy = has_mode && groups_[device].policy_index != ResolvedGroup::kNoPolicy;
  if (has_policy && layer_set_.empty()) return device;
  const std::uint16_t group = find(client).group;
  if (has_policy) return static_cast<std::uint16_t>(device + layer_set_[group]);
  return has_mode ? static_cast<std::uint16_t>(plain_from_ + group) : group;
}

std::optional<Claims> GroupTable::curated_claims(const std::vector<Masks>& masks) const {
  if (masks[0].curated) return std::nullopt;
  std::size_t all = 0;
  std::size_t some = 0;
  claims_.each([&](const Claims::Key&, std::uint16_t group) {
    ++all;
    some += masks[group].curated ? 1U : 0U;
  });
  devices_.each([&](const Claims::Key&, std::uint16_t) { ++some; });
  if (some > all / 4) return std::nullopt;
  std::map<Claims::Key, std::uint16_t> out;
  claims_.each([&](const Claims::Key& key, std::uint16_t group) {
    if (masks[group].curated) out.emplace(key, group);
  });
  // Which of the groups that one with a mode of its own stands for it is, hangs on more.
  devices_.each([&](const Claims::Key& key, std::uint16_t device) { out.emplace(key, device); });
  return Claims(out);
}

std::optional<VlanMatch> GroupTable::host_name(const Client& client) const {
  if (!client.has_ip) return std::nullopt;
  // A mode's address is in any VLAN.
  if (const auto by_mode = devices_.find_host(client)) return by_mode;
  return claims_.find_host(client);
}

}  // namespace sluice::policy
