// Groups that a device gets out of by what it does by itself, into a policy that refuses less.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "config/schema/doubts.h"

namespace sluice::schema {
namespace {

using policy::CategoryMask;
using policy::Policy;
using policy::PolicySet;

/// What a policy and those above it ever refuse.
struct Refused {
  CategoryMask categories = 0;
  bool all_else = false;  // by an `only`

  [[nodiscard]] bool more_than(const Refused& other) const {
    return !other.all_else && (all_else || (categories & ~other.categories) != 0);
  }
};

Refused refused_by(const PolicySet& set, const std::string& name) {
  Refused out;
  const auto named = std::find_if(set.policies.begin(), set.policies.end(),
                                  [&](const Policy& one) { return one.name == name; });
  for (const Policy* one = named == set.policies.end() ? nullptr : &*named; one != nullptr;
       one = one->under == Policy::kNone ? nullptr : &set.policies[one->under]) {
    out.categories |= one->blocked;
    for (const policy::Hours& hours : one->hours) out.categories |= hours.categories;
    for (std::size_t i = 0; i < set.budgets.size(); ++i) {
      if ((one->budgets >> i & 1) != 0) out.categories |= set.budgets[i].categories;
    }
    out.all_else = out.all_else || one->only.has_value();
  }
  return out;
}

/// Of such a list of a group, and what is so about it.
struct WayOut {
  const char* key;
  std::string what;
  std::string advice;
};

/// `follows`: other addresses of a device that is named by one are taken for that one.
std::optional<WayOut> way_out_of(const policy::Group& group, bool follows) {
  if (!group.vlans.empty() || !group.ports.empty()) return std::nullopt;
  if (group.prefixes.empty()) {
    if (group.macs.empty()) return std::nullopt;
    return WayOut{"macs",
                  "a device that sends from another MAC address is not in it, as telephones "
                  "do that make up a new one",
                  "let default_policy be the strict one, and name those that may more"};
  }
  const bool hosts =
      std::all_of(group.prefixes.begin(), group.prefixes.end(), [](const policy::Prefix& one) {
        return one.length == (one.ipv6 ? 128 : 32);
      });
  if (hosts && follows) {
    return WayOut{"prefixes",
                  "names single addresses, and a device that takes another one in place of its own "
                  "is not in it",
                  "add the network around them, or let default_policy be the strict one"};
  }
  const bool ipv6 = group.prefixes[0].ipv6;
  const bool both = std::any_of(group.prefixes.begin(), group.prefixes.end(),
                                [&](const policy::Prefix& one) { return one.ipv6 != ipv6; });
  if (both) return std::nullopt;
  return WayOut{"prefixes",
                std::string("holds no ") + (ipv6 ? "IPv4" : "IPv6") + " address, so that over " +
                    (ipv6 ? "IPv4" : "IPv6") + " its devices are not in it",
                "add those, or VLANs or ports, or let default_policy be the strict one"};
}

}  // namespace

void doubt_ways_out(const Doubted& doubted, Faults& notes) {
  const PolicySet& set = doubted.config.policy;
  const Refused otherwise = refused_by(set, set.default_policy);
  std::set<std::pair<std::string, std::string>> told;  // once of a policy, whatever its groups
  std::map<std::string_view, const policy::Group*> groups;
  for (const policy::Group& one : set.groups) groups.emplace(one.name, &one);
  for (const Member* member : entries(find(doubted.root, "groups"))) {
    const auto found = groups.find(member->key.text);
    if (found == groups.end()) continue;
    const policy::Group* const group = found->second;
    const auto way = way_out_of(*group, set.follow_addresses);
    if (!way || !refused_by(set, group->policy).more_than(otherwise)) continue;
    if (!told.emplace(group->policy, way->key).second) continue;
    const TextNode* const list = find(member->value, way->key);
    notes.add(list != nullptr ? list->place : member->key.place,
              "groups." + group->name + "." + way->key,
              way->what + "; default_policy '" + set.default_policy + "' refuses less than '" +
                  group->policy + "'",
              way->advice);
  }
}

}  // namespace sluice::schema
