#include "tools/sluicectl/explain.h"

#include <algorithm>
#include <arpa/inet.h>

#include "config/calendar/calendar.h"
#include "config/name/name.h"
#include "config/policy/curated.h"
#include "config/policy/safe_search.h"
#include "control/tuf/time.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
using policy::CategoryMask;
using policy::Reason;

ordered_json record_json(const Listed::Entry& entry, const std::string& time_zone) {
  const generation::Record& record = entry.covering.record;
  const policy::Category* category = policy::find_category(record.category);
  ordered_json out = {{"listed_name", entry.covering.listed_name},
                      {"scope", text(record.scope)},
                      {"disposition", text(record.disposition)},
                      {"category", category != nullptr ? category->name : ""},
                      {"layer", text(record.layer)},
                      {"ended", entry.ended},
                      {"pending", entry.pending}};
  const auto ends = tuf::parse_time(entry.from.expires);
  if (ends) out["ends"] = calendar::moment_text(ends->time_since_epoch().count(), time_zone);
  if (entry.begins) out["begins"] = calendar::moment_text(*entry.begins, time_zone);
  for (const generation::ProvenanceField& field : generation::kProvenanceFields) {
    const std::string& value = entry.from.*field.value;
    if (!value.empty()) out[field.name] = value;
  }
  return out;
}

/// The policy but for modes that begin after the moment that is asked about.
policy::PolicySet policy_of(const Question& question) {
  policy::PolicySet set = *question.policy;
  if (!question.at_another_time || !question.moment) return set;
  std::erase_if(set.modes, [&](const policy::Mode& mode) { return mode.from > *question.moment; });
  return set;
}

/// The device with the address that it is named by, where it is known to hold that one, too.
Device as_named(const Question& question) {
  Device out = question.device;
  if (!question.named.is_object() || question.named.value("state", "") != "followed") return out;
  const auto named = policy::parse_prefix(question.named.value("address", ""));
  if (named) out.address = *named;
  return out;
}

ordered_json device_json(const Device& device) {
  ordered_json out = ordered_json::object();
  if (device.address) {
    out["address"] =
        address_text(device.address->ipv6 ? AF_INET6 : AF_INET, device.address->address.data());
  }
  if (device.mac) out["mac"] = policy::text(*device.mac);
  if (device.vlan.outer != 0) out["vlan"] = device.vlan.outer;
  if (device.vlan.inner != 0) out["inner_vlan"] = device.vlan.inner;
  if (!device.port.empty()) out["port"] = device.port;
  return out;
}

}  // namespace

Result<ordered_json> explain(const Question& question) {
  const auto canonical = name::canonical(question.name);
  if (!canonical) return fail(canonical.error());
  name::LookupName lookup;
  if (const auto defect = name::from_text(*canonical, lookup); defect != name::Defect::none) {
    return fail(std::string(name::label(defect)), question.name, "give a domain name");
  }
  const policy::PolicySet set = policy_of(question);
  const auto groups = policy::GroupTable::build(set, question.ports);
  if (!groups) return fail(groups.error());
  const Device device = as_named(question);
  const auto client = client_of(device, question.ports);
  if (!client) return fail(client.error());
  const auto on_lists =
      listed(*question.generation, lookup,
             question.at_another_time ? question.moment : std::nullopt, question.later);
  if (!on_lists) return fail(on_lists.error());

  const policy::GroupMatch match = groups->find(*client);
  const policy::ResolvedGroup& group = groups->groups()[match.group];
  const generation::Answer& answer = on_lists->answer;
  const policy::Timetable timetable(set, *groups);
  const Standing standing = standing_of(set, *groups, timetable, *client, question.moment);
  const policy::Masks& masks = standing.masks;
  const std::uint64_t curated = policy::CuratedNames(set.curated).lists_of(lookup);
  const policy::SearchEngine* const engine = policy::engine_of(set.engines, *canonical);
  const Judge judge = [&](const generation::Answer& by, const policy::Masks& then,
                          CategoryMask used_up) {
    policy::Verdict found = policy::decide(by, then, curated);
    const bool hangs = found.reason == Reason::listed_only || found.reason == Reason::watched ||
                       found.reason == Reason::curated;
    if (used_up != 0 && hangs) {
      found = {policy::Action::block, Reason::budget, policy::most_severe(by.categories & used_up)};
    }
    return engine == nullptr ? found : policy::decide_safe_search(found, then);
  };
  CategoryMask used_up = 0;
  const ordered_json budgets = budgets_json(question, masks, answer.categories, used_up);
  const policy::Verdict verdict = judge(answer, masks, used_up);
  std::optional<generation::Record> decider;
  if (verdict.category != 0 || verdict.action != policy::Action::block) {
    decider = on_lists->decider(verdict.category);
  }

  const ordered_json lists = lists_json(set, standing, *canonical);
  ordered_json records = ordered_json::array();
  for (const Listed::Entry& entry : on_lists->entries) {
    records.push_back(record_json(entry, set.time_zone));
  }
  ordered_json hours = ordered_json::array();
  ordered_json layers = ordered_json::array();
  for (const Standing::Layer& layer : standing.layers) {
    const ordered_json its =
        hours_json(set, timetable, &layer.policy, answer.categories, question.moment);
    hours.insert(hours.end(), its.begin(), its.end());
    layers.push_back({{"policy", layer.policy.name},
                      {"owner", owner_of(set, layer.policy.name)},
                      {"blocks", names_of(layer.blocks)}});
  }
  const ordered_json mode = mode_json(standing.mode, set.time_zone);
  const std::vector<std::string> changes =
      what_would_change(verdict, {.set = set,
                                  .timetable = timetable,
                                  .standing = standing,
                                  .moment = question.moment,
                                  .categories = answer.categories,
                                  .lists = lists,
                                  .records = records,
                                  .budgets = budgets});
  ordered_json next = nullptr;
  if (question.ask_until_when && question.moment) {
    next = next_by_the_clock({.question = question,
                              .set = set,
                              .groups = *groups,
                              .timetable = timetable,
                              .client = *client,
                              .name = lookup,
                              .on_lists = *on_lists,
                              .verdict = verdict},
                             budgets, judge);
  }
  ordered_json safe_search = nullptr;
  if (engine != nullptr) {
    safe_search = {{"engine", engine->name},
                   {"level", policy::text(masks.safe_search)},
                   {"asked_instead", verdict.action == policy::Action::rewrite
                                         ? policy::safe_name(*engine, masks.safe_search)
                                         : ""}};
  }
  const policy::Category* category = policy::find_category(verdict.category);
  const generation::Header& header = question.generation->header();
  return ordered_json{
      {"name", *canonical},
      {"verdict",
       {{"action", policy::text(verdict.action)},
        {"reason", policy::text(verdict.reason)},
        {"category", category != nullptr ? category->name : ""},
        {"category_zh", category != nullptr ? category->name_zh : ""}}},
      {"client", device_json(question.device)},
      {"device", question.named},
      {"group",
       {{"name", group.name},
        {"policy", standing.policy.name},
        {"own_policy", group.policy},
        {"matched_by", policy::text(match.by)},
        {"why", matched_rule(set, group.name, match.by, device)},
        {"blocks", names_of(masks.blocked)},
        {"watches", names_of(masks.watched)}}},
      {"layers", std::move(layers)},
      {"time",
       question.moment ? calendar::moment_text(*question.moment, set.time_zone) : "not known"},
      {"at_another_time", question.at_another_time && question.moment.has_value()},
      {"mode", mode},
      {"switches", switches_json(standing)},
      {"hours", std::move(hours)},
      {"by_the_clock", std::move(next)},
      {"lists", lists},
      {"budgets", budgets},
      {"safe_search", safe_search},
      {"generation",
       {{"number", header.generation},
        {"created", header.created},
        {"file", question.generation->path().string()},
        {"policy_from", question.policy_from}}},
      {"steps", steps_json(set, answer, standing, lists, engine, verdict)},
      {"records", std::move(records)},
      {"client_gets",
       what_the_client_gets(
           verdict, groups->answer(), decider,
           safe_search.is_null() ? std::string() : safe_search["asked_instead"].get<std::string>(),
           masks)},
      {"would_change", changes}};
}

}  // namespace sluice::ctl
