#include <algorithm>
#include <map>

#include "config/schema/bind.h"
#include "config/schema/nearest.h"
#include "config/schema/policy_presets.h"

namespace sluice::schema {
namespace {

using policy::CategoryMask;

CategoryMask mask_of_word(const TextNode& word) {
  if (word.text == "defaults") return default_categories();
  const policy::Category* category = policy::find_category(word.text);
  return category == nullptr ? 0 : policy::bit(category->id);
}

CategoryMask bind_categories(const TextNode* value, const std::string& path, Faults& faults) {
  if (value == nullptr) return 0;
  if (value->form == Form::scalar) return mask_of_word(*value);
  CategoryMask mask = 0;
  std::map<std::string_view, bool> seen;
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const TextNode& item = value->items[i];
    if (!item.good) continue;
    if (!seen.emplace(item.text, true).second) {
      faults.add(item.place, path + "[" + std::to_string(i) + "]",
                 "'" + item.text + "' is already in this list", "name it once");
    }
    mask |= mask_of_word(item);
  }
  return mask;
}

/// Which devices are claimed, by whom: two groups must not claim the same one.
class Claims {
 public:
  Claims(std::string group, std::map<std::string, std::pair<std::string, Place>>& taken,
         Faults& faults)
      : group_(std::move(group)), taken_(taken), faults_(faults) {}

  bool claim(const std::string& device, const TextNode& node, const std::string& path) {
    const auto [first, fresh] = taken_.emplace(device, std::pair{group_, node.place});
    if (fresh) return true;
    const auto& [owner, place] = first->second;
    const bool same = owner == group_;
    faults_.add(node.place, path,
                device + " is already in " + (same ? "this group" : "group '" + owner + "'") +
                    " at line " + std::to_string(place.line),
                same ? "name it once" : "keep it in one group");
    return false;
  }

 private:
  std::string group_;
  std::map<std::string, std::pair<std::string, Place>>& taken_;
  Faults& faults_;
};

template <class Function>
void each_item(const TextNode* list, const std::string& path, Function&& function) {
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    if (list->items[i].good) function(list->items[i], path + "[" + std::to_string(i) + "]");
  }
}

policy::VlanMatch vlan_of(const TextNode& node) {
  if (node.form == Form::scalar) return {static_cast<std::uint16_t>(node.number), 0};
  policy::VlanMatch vlan;
  if (const TextNode* outer = find(node, "outer")) {
    vlan.outer = static_cast<std::uint16_t>(outer->number);
  }
  if (const TextNode* inner = find(node, "inner")) {
    vlan.inner = static_cast<std::uint16_t>(inner->number);
  }
  return vlan;
}

std::string text_of(const policy::VlanMatch& vlan) {
  std::string out = "VLAN " + std::to_string(vlan.outer);
  if (vlan.inner != 0) out += " with inner VLAN " + std::to_string(vlan.inner);
  return out;
}

/// Ports that a group may name are those where its devices come in.
void bind_group_ports(const TextNode* list, const std::string& path, const TextNode* ports,
                      const Config& config, Claims& claims, policy::Group& group, Faults& faults) {
  const std::vector<std::string_view> known = names(ports);
  each_item(list, path, [&](const TextNode& item, const std::string& at) {
    if (!check_reference(item, "port", known, at, faults)) return;
    const bool outside = std::any_of(config.pairs.begin(), config.pairs.end(),
                                     [&](const Pair& p) { return p.outside == item.text; });
    if (outside) {
      faults.add(item.place, at, "port '" + item.text + "' is the outside of a pair",
                 "name the inside port, where the devices are");
      return;
    }
    if (claims.claim("port " + item.text, item, at)) group.ports.push_back(item.text);
  });
}

/// Into the policy; what is refused at times that nobody can tell, for good, for what can be kept
/// of a layer is in force.
void bind_one_of_hours(const TextNode& node, const std::string& path,
                       const std::vector<std::string_view>& schedules, policy::Policy& policy,
                       Faults& faults) {
  policy::Hours hours{.categories =
                          bind_categories(find(node, "categories"), path + ".categories", faults)};
  const TextNode* only = find(node, "only_during");
  const TextNode* never = find(node, "not_during");
  if ((only != nullptr) == (never != nullptr)) {
    faults.add(node.place, path,
               only != nullptr ? "has both only_during and not_during" : "does not say when",
               "give it either only_during or not_during");
    policy.blocked |= hours.categories;
    return;
  }
  hours.only_during = only != nullptr;
  if (const TextNode* boundary = find(node, "at_boundary")) hours.cut = boundary->text == "cut";
  const TextNode& word = only != nullptr ? *only : *never;
  const std::string at = path + (only != nullptr ? ".only_during" : ".not_during");
  if (!check_reference(word, "schedule", schedules, at, faults)) {
    policy.blocked |= hours.categories;
    return;
  }
  const auto found = std::find(schedules.begin(), schedules.end(), word.text);
  hours.schedule = static_cast<std::uint16_t>(found - schedules.begin());
  policy.hours.push_back(hours);
}

void bind_hours(const TextNode& node, const std::string& path,
                const std::vector<std::string_view>& schedules, policy::Policy& policy,
                Faults& faults) {
  each_item(find(node, "hours"), path + ".hours", [&](const TextNode& item, const std::string& at) {
    bind_one_of_hours(item, at, schedules, policy, faults);
  });
  if (const TextNode* unknown = find(node, "when_time_unknown")) {
    policy.block_when_time_unknown = unknown->text == "block";
  }
}

/// Which policies stand under which others, once all of them are there.
void bind_above(const TextNode* policies, std::vector<policy::Policy>& bound, Faults& faults) {
  const auto index_of = [&](std::string_view name) {
    const auto found = std::find_if(bound.begin(), bound.end(),
                                    [&](const policy::Policy& one) { return one.name == name; });
    return found == bound.end() ? policy::Policy::kNone
                                : static_cast<std::uint16_t>(found - bound.begin());
  };
  for (const Member* member : entries(policies)) {
    const TextNode* over = find(member->value, "under");
    const std::uint16_t own = index_of(member->key.text);
    if (over == nullptr || own == policy::Policy::kNone) continue;
    const std::string path = "policies." + member->key.text + ".under";
    if (!check_reference(*over, "policy", names(policies), path, faults)) continue;
    bound[own].under = index_of(over->text);
    if (!policy::stands_under_itself(bound, own)) continue;
    bound[own].under = policy::Policy::kNone;
    faults.add(over->place, path, "the policy stands under itself",
               "let the topmost one stand under none");
  }
}

}  // namespace

void bind_policy(const TextNode& value, const std::string& path, const TextNode& root,
                 const Words& words, policy::Policy& policy, Faults& faults) {
  policy.blocked = bind_categories(find(value, "block"), path + ".block", faults);
  policy.watched = bind_categories(find(value, "watch"), path + ".watch", faults);
  if (const TextNode* doubt = find(value, "in_doubt")) {
    policy.strict = doubt->text == "refuse";
  }
  if (const TextNode* ech = find(value, "ech")) {
    policy.withhold_ech = ech->text == "withhold";
  }
  if (const TextNode* ports = find(value, "encrypted_dns_ports")) {
    policy.refuse_encrypted_dns = ports->text == "refuse";
  }
  if (const TextNode* level = find(value, "safe_search")) {
    policy.safe_search = level->text == "strict"     ? policy::SafeSearch::strict
                         : level->text == "moderate" ? policy::SafeSearch::moderate
                                                     : policy::SafeSearch::off;
  }
  bind_hours(value, path, words.schedules, policy, faults);
  bind_only(value, path, words.lists, policy, faults);
  bind_budget_names(value, path, root, policy, faults);
}

void bind_policies(const TextNode& root, Config& config, Faults& faults) {
  const TextNode* policies = find(root, "policies");
  const Words words{names(find(root, "schedules")), names(find(root, "curated"))};
  for (const Member* member : entries(policies)) {
    const std::string path = "policies." + member->key.text;
    policy::Policy policy;
    if (member->value.form == Form::scalar) {
      policy = policy_of_preset(member->value.text, config);
      policy.name = member->key.text;
      config.policy.policies.push_back(std::move(policy));
      continue;
    }
    policy.name = member->key.text;
    bind_policy(member->value, path, root, words, policy, faults);
    config.policy.policies.push_back(std::move(policy));
  }
  bind_above(policies, config.policy.policies, faults);
  const TextNode* fallback = find(root, "default_policy");
  if (fallback == nullptr) return;
  config.policy.default_policy = fallback->text;
  if (policies != nullptr) {
    check_reference(*fallback, "policy", names(policies), "default_policy", faults);
  }
}

void bind_groups(const TextNode& root, Config& config, Faults& faults) {
  if (const TextNode* others = find(root, "other_addresses")) {
    config.policy.follow_addresses = others->text != "apart";
  }
  const TextNode* policies = find(root, "policies");
  const TextNode* ports = find(root, "ports");
  std::map<std::string, std::pair<std::string, Place>> taken;
  for (const Member* member : entries(find(root, "groups"))) {
    const std::string path = "groups." + member->key.text;
    const TextNode& value = member->value;
    policy::Group group;
    group.name = member->key.text;
    if (const TextNode* policy = find(value, "policy")) {
      group.policy = policy->text;
      if (policies != nullptr) {
        check_reference(*policy, "policy", names(policies), path + ".policy", faults);
      }
    }
    Claims claims(group.name, taken, faults);
    each_item(find(value, "macs"), path + ".macs",
              [&](const TextNode& item, const std::string& at) {
                const auto mac = policy::parse_mac(item.text);
                if (mac && claims.claim(policy::text(*mac), item, at)) group.macs.push_back(*mac);
              });
    each_item(find(value, "prefixes"), path + ".prefixes",
              [&](const TextNode& item, const std::string& at) {
                const auto prefix = policy::parse_placed_prefix(item.text);
                if (prefix && claims.claim(policy::text(*prefix), item, at)) {
                  group.prefixes.push_back(*prefix);
                }
              });
    each_item(find(value, "vlans"), path + ".vlans",
              [&](const TextNode& item, const std::string& at) {
                const policy::VlanMatch vlan = vlan_of(item);
                if (vlan.outer != 0 && claims.claim(text_of(vlan), item, at))
                  group.vlans.push_back(vlan);
              });
    if (ports != nullptr) {
      bind_group_ports(find(value, "ports"), path + ".ports", ports, config, claims, group, faults);
    }
    const auto matches = [](const Member& m) { return m.key.text != "policy"; };
    if (std::none_of(value.members.begin(), value.members.end(), matches)) {
      faults.add(member->key.place, path, "says nothing about its devices",
                 "add macs, prefixes, vlans or ports");
    }
    config.policy.groups.push_back(std::move(group));
  }
}

}  // namespace sluice::schema
