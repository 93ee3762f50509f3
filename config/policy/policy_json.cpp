// The policy document of a generation, written.
#include <arpa/inet.h>

#include "config/base/json.h"
#include "config/policy/modes_json.h"
#include "config/policy/policy.h"

namespace sluice::policy {
namespace {

using nlohmann::json;

json names_of(CategoryMask mask) {
  json names = json::array();
  for (const Category& category : taxonomy()) {
    if ((mask & bit(category.id)) != 0) names.push_back(category.name);
  }
  return names;
}

json hours_json(const Policy& policy, const std::vector<Schedule>& schedules) {
  json out = json::array();
  for (const Hours& hours : policy.hours) {
    out.push_back({{"schedule", schedules[hours.schedule].name},
                   {"categories", names_of(hours.categories)},
                   {"only_during", hours.only_during}});
    if (hours.cut) out.back()["cut"] = true;
  }
  return out;
}

json only_json(const Only& only, const std::vector<CuratedList>& curated) {
  json lists = json::array();
  for (std::size_t i = 0; i < curated.size(); ++i) {
    if ((only.lists >> i & 1) != 0) lists.push_back(curated[i].name);
  }
  return {{"lists", std::move(lists)},
          {"categories", names_of(only.categories)},
          {"refuse_unnamed", only.refuse_unnamed}};
}

void put_budgets(const PolicySet& set, json& document) {
  for (const Budget& budget : set.budgets) {
    document["budgets"].push_back({{"name", budget.name},
                                   {"categories", names_of(budget.categories)},
                                   {"minutes_a_day", budget.minutes_a_day},
                                   {"minutes_a_week", budget.minutes_a_week},
                                   {"warn_at", budget.warn_at}});
  }
  document["budget_days"] = set.budget_days;
  document["budget_weeks"] = set.budget_weeks;
  document["devices_by_address"] = set.devices_by_address;
  document["schedules_from"] = set.schedules_from;
  document["schedules_until"] = set.schedules_until;
}

}  // namespace

nlohmann::json to_json(const Mode& mode) {
  json out = {{"mode", mode.word},   {"policy", mode.policy}, {"from", mode.from},
              {"until", mode.until}, {"who", mode.who},       {"reason", mode.reason}};
  if (mode.mac) {
    out["mac"] = text(*mode.mac);
  } else if (mode.address) {
    out["address"] = text(*mode.address);
  } else {
    out["group"] = mode.group;
  }
  return out;
}

std::string to_json(const PolicySet& set) {
  json answer = {{"dns", set.answer.dns == DnsAnswer::address ? "address" : "nxdomain"},
                 {"tls", text(set.answer.tls)},
                 {"quic", text(set.answer.quic)},
                 {"http", text(set.answer.http)},
                 {"ttl_seconds", set.answer.ttl_seconds},
                 {"guardian", set.answer.guardian}};
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (set.answer.page_ipv4) {
    answer["page_ipv4"] =
        inet_ntop(AF_INET, set.answer.page_ipv4->data(), buffer.data(), buffer.size());
  }
  if (set.answer.page_ipv6) {
    answer["page_ipv6"] =
        inet_ntop(AF_INET6, set.answer.page_ipv6->data(), buffer.data(), buffer.size());
  }
  json policies = json::array();
  for (const Policy& policy : set.policies) {
    policies.push_back({{"name", policy.name},
                        {"block", names_of(policy.blocked)},
                        {"watch", names_of(policy.watched)},
                        {"strict", policy.strict}});
    if (policy.withhold_ech) policies.back()["withhold_ech"] = true;
    if (policy.refuse_encrypted_dns) policies.back()["refuse_encrypted_dns"] = true;
    if (policy.safe_search != SafeSearch::off) {
      policies.back()["safe_search"] = text(policy.safe_search);
    }
    for (std::size_t i = 0; i < set.budgets.size(); ++i) {
      if ((policy.budgets >> i & 1) != 0) policies.back()["budgets"].push_back(set.budgets[i].name);
    }
    if (policy.under != Policy::kNone) {
      policies.back()["under"] = set.policies[policy.under].name;
    }
    if (policy.only) policies.back()["only"] = only_json(*policy.only, set.curated);
    if (policy.hours.empty()) continue;
    policies.back()["hours"] = hours_json(policy, set.schedules);
    policies.back()["block_when_time_unknown"] = policy.block_when_time_unknown;
  }
  json groups = json::array();
  for (const Group& group : set.groups) {
    json item = {{"name", group.name}, {"policy", group.policy}, {"ports", group.ports}};
    item["macs"] = json::array();
    for (const Mac& mac : group.macs) item["macs"].push_back(text(mac));
    item["prefixes"] = json::array();
    for (const Prefix& prefix : group.prefixes) item["prefixes"].push_back(text(prefix));
    item["vlans"] = json::array();
    for (const VlanMatch& vlan : group.vlans) {
      item["vlans"].push_back({{"outer", vlan.outer}, {"inner", vlan.inner}});
    }
    groups.push_back(std::move(item));
  }
  json document = {{"answer", std::move(answer)},
                   {"policies", std::move(policies)},
                   {"groups", std::move(groups)},
                   {"default_policy", set.default_policy},
                   {"follow_addresses", set.follow_addresses}};
  for (const CuratedList& list : set.curated) {
    document["curated"].push_back({{"name", list.name},
                                   {"names", list.names},
                                   {"needs", list.needs},
                                   {"except", list.except}});
  }
  for (const SearchEngine& engine : set.engines) {
    document["search_engines"].push_back({{"name", engine.name},
                                          {"names", engine.names},
                                          {"strict", engine.strict},
                                          {"moderate", engine.moderate}});
  }
  for (const Layer& layer : set.layers) {
    document["layers"].push_back({{"policy", layer.policy},
                                  {"owner", layer.owner},
                                  {"everybody", layer.everybody},
                                  {"groups", layer.groups}});
  }
  for (const Mode& mode : set.modes) document["modes"].push_back(to_json(mode));
  if (!set.time_zone.empty()) document["time_zone"] = set.time_zone;
  if (!set.budgets.empty()) put_budgets(set, document);
  if (!set.schedules.empty()) {
    json& schedules = document["schedules"] = json::array();
    for (const Schedule& one : set.schedules) {
      schedules.push_back({{"name", one.name}, {"active", one.active}, {"toggles", one.toggles}});
    }
    document["schedules_from"] = set.schedules_from;
    document["schedules_until"] = set.schedules_until;
  }
  return json_text(document);
}

}  // namespace sluice::policy
