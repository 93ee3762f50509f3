// The policy document of a generation, read.
#include <algorithm>
#include <arpa/inet.h>

#include "config/base/json.h"
#include "config/name/name.h"
#include "config/policy/json_fields.h"
#include "config/policy/modes_json.h"
#include "config/policy/policy.h"

namespace sluice::policy {

static std::string_view text(DnsAnswer answer) {
  return answer == DnsAnswer::address ? "address" : "nxdomain";
}

namespace {

using nlohmann::json;

Result<BlockAnswer> answer_from(const json& value) {
  Fields fields(value, "policy.answer");
  BlockAnswer answer;
  answer.dns = fields.word("dns", DnsAnswer::nxdomain, {DnsAnswer::address});
  answer.tls = fields.word("tls", TlsRefusal::reset, {TlsRefusal::alert, TlsRefusal::drop});
  answer.quic = fields.word("quic", QuicRefusal::close, {QuicRefusal::drop});
  answer.http = fields.word("http", HttpRefusal::page, {HttpRefusal::reset});
  answer.ttl_seconds = static_cast<std::uint32_t>(fields.number("ttl_seconds", 30, 60));
  answer.guardian = fields.boolean("guardian");
  if (const std::string ip = fields.string("page_ipv4"); !ip.empty()) {
    answer.page_ipv4.emplace();
    if (inet_pton(AF_INET, ip.c_str(), answer.page_ipv4->data()) != 1) {
      fields.refuse("page_ipv4 is not an IPv4 address");
    }
  }
  if (const std::string ip = fields.string("page_ipv6"); !ip.empty()) {
    answer.page_ipv6.emplace();
    if (inet_pton(AF_INET6, ip.c_str(), answer.page_ipv6->data()) != 1) {
      fields.refuse("page_ipv6 is not an IPv6 address");
    }
  }
  if (!fields.whole()) return fail(fields.error());
  return answer;
}

Result<Group> group_from(const json& value) {
  Fields fields(value, "policy.groups");
  Group group{.name = fields.string("name"),
              .policy = fields.string("policy"),
              .macs = {},
              .prefixes = {},
              .vlans = {},
              .ports = fields.strings("ports")};
  for (const std::string& item : fields.strings("macs")) {
    auto mac = parse_mac(item);
    if (!mac) return fail(mac.error());
    group.macs.push_back(*mac);
  }
  for (const std::string& item : fields.strings("prefixes")) {
    auto prefix = parse_placed_prefix(item);
    if (!prefix) return fail(prefix.error());
    group.prefixes.push_back(*prefix);
  }
  for (const json& item : fields.list("vlans")) {
    Fields vlan(item, "policy.groups.vlans");
    group.vlans.push_back({static_cast<std::uint16_t>(vlan.number("outer", 0, 4094)),
                           static_cast<std::uint16_t>(vlan.number("inner", 0, 4094))});
    vlan.need({"outer"});
    if (!vlan.whole()) return fail(vlan.error());
  }
  fields.need({"name", "policy"});
  if (!fields.whole()) return fail(fields.error());
  return group;
}

/// Of a list that other lists have in common, as versions before wrote it beside those: each policy
/// still names the lists themselves, so that this one means nothing.
constexpr const char* kInCommon = "all_of";

Result<CuratedList> curated_from(const json& value) {
  Fields fields(value, "policy.curated");
  CuratedList list{.name = fields.string("name"),
                   .names = fields.strings("names"),
                   .needs = fields.strings("needs"),
                   .except = fields.strings("except")};
  (void)fields.strings(kInCommon);
  for (const auto* names : {&list.names, &list.needs, &list.except}) {
    for (const std::string& name : *names) {
      const auto canonical = name::canonical(name);
      if (!canonical || *canonical != name) fields.refuse("'" + name + "' is no canonical name");
    }
  }
  fields.need({"name", "names"});
  if (!fields.whole()) return fail(fields.error());
  return list;
}

Result<SearchEngine> engine_from(const json& value) {
  Fields fields(value, "policy.search_engines");
  SearchEngine engine{.name = fields.string("name"),
                      .names = fields.strings("names"),
                      .strict = fields.string("strict"),
                      .moderate = fields.string("moderate")};
  const auto check = [&](const std::string& name) {
    const auto canonical = name::canonical(name);
    if (!canonical || *canonical != name || name.size() > kMaxSafeName) {
      fields.refuse("'" + name + "' is no canonical name of " + std::to_string(kMaxSafeName) +
                    " octets at most");
    }
  };
  check(engine.strict);
  if (!engine.moderate.empty()) check(engine.moderate);
  for (const std::string& name : engine.names) check(name);
  fields.need({"name", "names", "strict"});
  if (!fields.whole()) return fail(fields.error());
  return engine;
}

Result<Only> only_from(const json& value, const std::vector<CuratedList>& curated) {
  Fields fields(value, "policy.policies.only");
  Only only{.categories = fields.categories("categories"),
            .refuse_unnamed = fields.boolean("refuse_unnamed", true)};
  for (const std::string& name : fields.strings("lists")) {
    const auto list = std::find_if(curated.begin(), curated.end(),
                                   [&](const CuratedList& one) { return one.name == name; });
    if (list == curated.end()) {
      fields.refuse("no curated list is named '" + name + "'");
    } else {
      only.lists |= std::uint64_t{1} << (list - curated.begin());
    }
  }
  fields.need({"lists", "categories", "refuse_unnamed"});
  if (!fields.whole()) return fail(fields.error());
  return only;
}

Result<Budget> budget_from(const json& value) {
  Fields fields(value, "policy.budgets");
  Budget budget{.name = fields.string("name"), .categories = fields.categories("categories")};
  const auto minutes = [&](const char* key, std::uint64_t otherwise, std::uint64_t most) {
    return static_cast<std::uint32_t>(fields.number(key, otherwise, most));
  };
  budget.minutes_a_day = minutes("minutes_a_day", 0, 1440);
  budget.minutes_a_week = minutes("minutes_a_week", 0, 10080);
  budget.warn_at = minutes("warn_at", budget.warn_at, 1440);
  fields.need({"name", "categories", "minutes_a_day", "minutes_a_week"});
  if (!fields.whole()) return fail(fields.error());
  return budget;
}

Result<Policy> policy_from(const json& value, const PolicySet& set) {
  const std::vector<Schedule>& schedules = set.schedules;
  Fields fields(value, "policy.policies");
  Policy policy{.name = fields.string("name"),
                .blocked = fields.categories("block"),
                .watched = fields.categories("watch"),
                .strict = fields.boolean("strict"),
                .hours = {},
                .withhold_ech = fields.boolean("withhold_ech"),
                .refuse_encrypted_dns = fields.boolean("refuse_encrypted_dns"),
                .block_when_time_unknown = fields.boolean("block_when_time_unknown", true),
                .only = {},
                .safe_search = fields.word("safe_search", SafeSearch::off,
                                           {SafeSearch::moderate, SafeSearch::strict})};
  fields.need({"name", "block", "watch"});
  (void)fields.string("under");  // bind_layers() has it
  for (const json& item : fields.list("hours")) {
    Fields hours(item, "policy.policies.hours");
    const std::string name = hours.string("schedule");
    const auto schedule = std::find_if(schedules.begin(), schedules.end(),
                                       [&](const Schedule& one) { return one.name == name; });
    if (schedule == schedules.end()) hours.refuse("no schedule is named '" + name + "'");
    policy.hours.push_back({static_cast<std::uint16_t>(schedule - schedules.begin()),
                            hours.categories("categories"), hours.boolean("only_during"),
                            hours.boolean("cut")});
    hours.need({"schedule", "categories", "only_during"});
    if (!hours.whole()) return fail(hours.error());
  }
  for (const std::string& name : fields.strings("budgets")) {
    const auto budget = std::find_if(set.budgets.begin(), set.budgets.end(),
                                     [&](const Budget& one) { return one.name == name; });
    if (budget == set.budgets.end()) {
      fields.refuse("no budget is named '" + name + "'");
    } else {
      policy.budgets |= std::uint32_t{1} << (budget - set.budgets.begin());
    }
  }
  if (const json* const limits = fields.object("only")) {
    auto only = only_from(*limits, set.curated);
    if (!only) return fail(only.error());
    policy.only = *only;
  }
  if (!fields.whole()) return fail(fields.error());
  return policy;
}

/// That nothing of it is left out, which the file that control keeps need not have.
Status check_mode(const json& value) {
  Fields fields(value, "policy.modes");
  for (const char* key :
       {"mode", "group", "mac", "address", "policy", "from", "until", "who", "reason"}) {
    (void)fields.object(key);
  }
  fields.need({"mode", "policy", "until"});
  if (!fields.whole()) return fail(fields.error());
  return {};
}

Status bind_layers(const json& values, std::vector<Policy>& policies) {
  for (std::size_t i = 0; i < policies.size(); ++i) {
    Fields fields(values[i], "policy.policies");
    const std::string name = fields.string("under");
    if (name.empty()) continue;
    const auto over = std::find_if(policies.begin(), policies.end(),
                                   [&](const Policy& one) { return one.name == name; });
    if (over == policies.end()) fields.refuse("no policy is named '" + name + "'");
    if (!fields.good()) return fail(fields.error());
    policies[i].under = static_cast<std::uint16_t>(over - policies.begin());
  }
  for (std::size_t i = 0; i < policies.size(); ++i) {
    if (stands_under_itself(policies, static_cast<std::uint16_t>(i))) {
      return fail("policy '" + policies[i].name + "' stands under itself", "policy.policies");
    }
  }
  return {};
}

}  // namespace

Result<Mode> mode_from_json(const json& value) {
  Fields fields(value, "policy.modes");
  Mode mode{.word = fields.string("mode"),
            .group = fields.string("group"),
            .mac = {},
            .address = {},
            .policy = fields.string("policy"),
            .from = fields.moment("from"),
            .until = fields.moment("until"),
            .who = fields.string("who"),
            .reason = fields.string("reason")};
  if (const std::string text = fields.string("mac"); !text.empty()) {
    auto mac = parse_mac(text);
    if (!mac) return fail(mac.error());
    mode.mac = *mac;
  }
  if (const std::string text = fields.string("address"); !text.empty()) {
    auto address = parse_prefix(text);
    if (!address) return fail(address.error());
    if (address->length != (address->ipv6 ? 128 : 32)) fields.refuse("'" + text + "' is no device");
    mode.address = *address;
  }
  if (mode.group.empty() && !mode.mac && !mode.address) fields.refuse("a mode is nobody's");
  if (!fields.good()) return fail(fields.error());
  return mode;
}

Result<PolicySet> from_json(std::string_view document) {
  const json root = parse_json(document);
  if (root.is_discarded()) {
    return fail("the policy is not JSON", "policy", "compile the generation again");
  }
  Fields fields(root, "policy");
  PolicySet set;
  set.default_policy = fields.string("default_policy");
  set.schedules_from = fields.moment("schedules_from");
  set.schedules_until = fields.moment("schedules_until");
  set.time_zone = fields.string("time_zone");
  for (const json& item : fields.list("schedules")) {
    Fields schedule(item, "policy.schedules");
    set.schedules.push_back(
        {schedule.string("name"), schedule.boolean("active"), schedule.moments("toggles")});
    schedule.need({"name", "active", "toggles"});
    if (!schedule.whole()) return fail(schedule.error());
  }
  for (const json& item : fields.list("curated")) {
    auto list = curated_from(item);
    if (!list) return fail(list.error());
    if (!item.contains(kInCommon)) set.curated.push_back(std::move(*list));
  }
  for (const json& item : fields.list("search_engines")) {
    auto engine = engine_from(item);
    if (!engine) return fail(engine.error());
    set.engines.push_back(std::move(*engine));
  }
  for (const json& item : fields.list("budgets")) {
    auto budget = budget_from(item);
    if (!budget) return fail(budget.error());
    set.budgets.push_back(std::move(*budget));
  }
  set.budget_days = fields.moments("budget_days");
  set.budget_weeks = fields.moments("budget_weeks");
  set.devices_by_address = fields.boolean("devices_by_address");
  set.follow_addresses = fields.boolean("follow_addresses", true);
  if (set.budgets.size() > kMaxBudgets) fields.refuse("there are more than 32 budgets");
  if (set.curated.size() > kMaxCuratedLists) fields.refuse("there are more than 64 curated lists");
  if (!fields.good()) return fail(fields.error());
  for (const json& item : fields.list("policies")) {
    auto policy = policy_from(item, set);
    if (!policy) return fail(policy.error());
    set.policies.push_back(std::move(*policy));
  }
  if (auto status = bind_layers(fields.list("policies"), set.policies); !status) {
    return fail(status.error());
  }
  for (const json& item : fields.list("groups")) {
    auto group = group_from(item);
    if (!group) return fail(group.error());
    set.groups.push_back(std::move(*group));
  }
  for (const json& item : fields.list("layers")) {
    Fields layer(item, "policy.layers");
    set.layers.push_back({.policy = layer.string("policy"),
                          .owner = layer.string("owner"),
                          .everybody = layer.boolean("everybody"),
                          .groups = layer.strings("groups")});
    layer.need({"policy", "everybody", "groups"});
    if (!layer.whole()) return fail(layer.error());
  }
  for (const json& item : fields.list("modes")) {
    if (auto status = check_mode(item); !status) return fail(status.error());
    auto mode = mode_from_json(item);
    if (!mode) return fail(mode.error());
    set.modes.push_back(std::move(*mode));
  }
  if (const json* const how = fields.object("answer")) {
    auto answer = answer_from(*how);
    if (!answer) return fail(answer.error());
    set.answer = *answer;
  }
  fields.need({"answer", "policies", "groups", "default_policy"});
  if (!fields.whole()) return fail(fields.error());
  return set;
}

}  // namespace sluice::policy
