#include "config/policy/group_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>

namespace sluice::policy {
namespace {

using Key = GroupTable::Key;

enum Kind : std::uint32_t { kMac = 1, kPrefix4, kPrefix6, kVlan, kPort };

std::uint64_t load64(const std::uint8_t* octets) {
  std::uint64_t value = 0;
  std::memcpy(&value, octets, sizeof value);
  return __builtin_bswap64(value);
}

Key key_of(const Mac& mac) {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : mac) value = value << 8 | octet;
  return {value, 0, kMac};
}

/// The first `bits` of 64.
std::uint64_t first_bits(std::uint64_t value, unsigned bits) {
  return bits == 0 ? 0 : value & (~std::uint64_t{0} << (64 - std::min(bits, 64U)));
}

Key prefix_key(bool ipv6, std::uint8_t length, const std::array<std::uint8_t, 16>& address) {
  return {first_bits(load64(address.data()), length),
          length > 64 ? first_bits(load64(address.data() + 8), length - 64U) : 0,
          (ipv6 ? kPrefix6 : kPrefix4) << 8 | length};
}

/// The same of an IPv4 address as a number: most clients'.
Key prefix4_key(std::uint32_t address, std::uint8_t length) {
  return {first_bits(std::uint64_t{address} << 32, length), 0, kPrefix4 << 8 | length};
}

Key vlan_key(std::uint16_t outer, std::uint16_t inner) {
  return {std::uint64_t{outer} << 16 | inner, 0, kVlan};
}

Key port_key(std::uint16_t port) { return {port, 0, kPort}; }

// The keys are the operator's configuration, not an attacker's choice: mixing is enough.
std::size_t hash(const Key& key) {
  std::uint64_t h = (key.high ^ (key.low * 0x9e3779b97f4a7c15U)) + key.kind;
  h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93U;
  return h ^ (h >> 32);
}

}  // namespace

std::string_view text(MatchedBy by) {
  switch (by) {
    case MatchedBy::mac:
      return "mac";
    case MatchedBy::prefix:
      return "prefix";
    case MatchedBy::vlan:
      return "vlan";
    case MatchedBy::port:
      return "port";
    case MatchedBy::fallback:
      return "default";
  }
  return "unknown";
}

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
  std::map<Key, std::uint16_t> claimed;
  std::set<std::uint8_t, std::greater<>> lengths4;
  std::set<std::uint8_t, std::greater<>> lengths6;
  for (const Group& group : set.groups) {
    if (auto status = resolve(group.name, group.policy); !status) return fail(status.error());
    const auto index = static_cast<std::uint16_t>(table.groups_.size() - 1);
    const auto claim = [&](const Key& key, const std::string& what) -> Status {
      const auto [at, fresh] = claimed.emplace(key, index);
      if (!fresh && at->second != index) {
        return fail(what + " is also in group '" + table.groups_[at->second].name + "'",
                    "groups." + group.name, "keep it in one group");
      }
      return {};
    };
    Status status;
    for (const Mac& mac : group.macs) {
      table.any_mac_ = true;
      if (status = claim(key_of(mac), text(mac)); !status) return fail(status.error());
    }
    for (const Prefix& prefix : group.prefixes) {
      (prefix.ipv6 ? lengths6 : lengths4).insert(prefix.length);
      status = claim(prefix_key(prefix.ipv6, prefix.length, prefix.address), text(prefix));
      if (!status) return fail(status.error());
    }
    for (const VlanMatch& vlan : group.vlans) {
      table.any_vlan_ = true;
      status = claim(vlan_key(vlan.outer, vlan.inner), "VLAN " + std::to_string(vlan.outer));
      if (!status) return fail(status.error());
    }
    for (const std::string& port : group.ports) {
      const auto at = std::find(port_names.begin(), port_names.end(), port);
      if (at == port_names.end()) continue;  // a port of another pair set: nothing arrives on it
      table.any_port_ = true;
      status = claim(port_key(static_cast<std::uint16_t>(at - port_names.begin())), "port " + port);
      if (!status) return fail(status.error());
    }
  }
  table.slots_ = table_of(claimed);
  if (auto status = table.add_modes(set); !status) return fail(status.error());
  table.lengths4_.assign(lengths4.begin(), lengths4.end());
  table.lengths6_.assign(lengths6.begin(), lengths6.end());
  return table;
}

std::vector<GroupTable::Slot> GroupTable::table_of(const std::map<Key, std::uint16_t>& claimed) {
  std::vector<Slot> slots(std::bit_ceil(claimed.size() * 2 + 1));
  for (const auto& [key, group] : claimed) {
    std::size_t at = hash(key);
    while (slots[at & (slots.size() - 1)].group != 0) ++at;
    slots[at & (slots.size() - 1)] = {key, group};
  }
  return slots;
}

/// What has to be asked about because of a policy that is some group's, or may be by a mode.
void GroupTable::note(const PolicySet& set, const Policy& policy) {
  any_withholds_ech_ |= policy.withhold_ech;
  any_refuses_encrypted_dns_ |= policy.refuse_encrypted_dns;
  if (policy.under != Policy::kNone) note(set, set.policies[policy.under]);
}

Status GroupTable::add_modes(const PolicySet& set) {
  const std::size_t own = groups_.size();
  std::map<Key, std::uint16_t> devices;
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
    const Key key =
        mode.mac ? key_of(*mode.mac)
                 : prefix_key(mode.address->ipv6, mode.address->length, mode.address->address);
    devices[key] = static_cast<std::uint16_t>(groups_.size());
    groups_.push_back({.name = "one device",
                       .policy = mode.policy,
                       .policy_index = by == set.policies.end()
                                           ? ResolvedGroup::kNoPolicy
                                           : static_cast<std::uint16_t>(by - set.policies.begin()),
                       .mode = index,
                       .is_device = true});
  }
  const std::size_t most = groups_.size() + (any_normal ? own : 0);
  if (devices.empty()) return {};
  if (most > UINT16_MAX) {
    return fail("groups and devices with modes are more than 65535", "modes", "end some modes");
  }
  devices_ = table_of(devices);
  if (!any_normal) return {};
  plain_from_ = static_cast<std::uint16_t>(groups_.size());
  for (std::size_t i = 0; i < own; ++i) {
    groups_.push_back(groups_[i]);
    groups_.back().mode = ResolvedGroup::kNoMode;
  }
  return {};
}

std::uint16_t GroupTable::find_device(const Client& client, const Masks* masks) const {
  const auto lookup = [this](const Key& key) {
    for (std::size_t at = hash(key);; ++at) {
      const Slot& slot = devices_[at & (devices_.size() - 1)];
      if (slot.group == 0 || slot.key == key) return slot.group;
    }
  };
  std::uint16_t device = lookup(key_of(client.mac));
  if ((device == 0 || !masks[device].in_force) && client.has_ip) {
    device = lookup(prefix_key(client.ipv6, client.ipv6 ? 128 : 32, client.address));
  }
  const bool has_mode = device != 0 && masks[device].in_force;
  if (has_mode && groups_[device].policy_index != ResolvedGroup::kNoPolicy) return device;
  const std::uint16_t group = find(client).group;
  return has_mode ? static_cast<std::uint16_t>(plain_from_ + group) : group;
}

GroupMatch GroupTable::find(const Client& client) const {
  const Slot* const slots = slots_.data();
  const std::size_t last = slots_.size() - 1;
  const auto lookup = [slots, last](const Key& key) {
    for (std::size_t at = hash(key);; ++at) {
      const Slot& slot = slots[at & last];
      if (slot.group == 0 || slot.key == key) return slot.group;
    }
  };
  if (any_mac_) {
    if (const auto group = lookup(key_of(client.mac))) return {group, MatchedBy::mac};
  }
  if (client.has_ip && client.ipv6) {
    for (const std::uint8_t length : lengths6_) {
      if (const auto group = lookup(prefix_key(true, length, client.address))) {
        return {group, MatchedBy::prefix};
      }
    }
  } else if (client.has_ip) {
    std::uint32_t address;
    std::memcpy(&address, client.address.data(), sizeof address);
    address = __builtin_bswap32(address);
    for (const std::uint8_t length : lengths4_) {
      if (const auto group = lookup(prefix4_key(address, length))) {
        return {group, MatchedBy::prefix};
      }
    }
  }
  if (any_vlan_ && client.outer_vlan != 0) {
    if (client.inner_vlan != 0) {
      if (const auto group = lookup(vlan_key(client.outer_vlan, client.inner_vlan))) {
        return {group, MatchedBy::vlan};
      }
    }
    if (const auto group = lookup(vlan_key(client.outer_vlan, 0))) return {group, MatchedBy::vlan};
  }
  if (any_port_) {
    if (const auto group = lookup(port_key(client.port))) return {group, MatchedBy::port};
  }
  return {};
}

}  // namespace sluice::policy
