#include "tools/sluicectl/explain.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <tuple>

#include "config/calendar/calendar.h"
#include "config/name/name.h"
#include "config/policy/curated.h"
#include "config/policy/safe_search.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
using policy::CategoryMask;
using policy::Reason;

std::string joined(CategoryMask mask) {
  std::string out;
  for (const auto& name : names_of(mask)) {
    out += (out.empty() ? "" : ", ") + name.get<std::string>();
  }
  return out.empty() ? "none" : out;
}

bool contains(const policy::Prefix& prefix, const policy::Prefix& address) {
  if (prefix.ipv6 != address.ipv6) return false;
  const unsigned whole = prefix.length / 8U;
  if (!std::equal(prefix.address.begin(), prefix.address.begin() + whole,
                  address.address.begin())) {
    return false;
  }
  const unsigned rest = prefix.length % 8U;
  return rest == 0 || ((prefix.address[whole] ^ address.address[whole]) >> (8U - rest)) == 0;
}

/// No group names the device, as far as one can tell by what is given of it.
std::string unnamed(const policy::PolicySet& set, const Device& device) {
  const auto any = [&](const auto& has) {
    return std::any_of(set.groups.begin(), set.groups.end(), has);
  };
  std::string missing;
  const auto note = [&](bool given, bool used, const char* what) {
    if (!given && used) missing += (missing.empty() ? "" : ", ") + std::string(what);
  };
  note(device.mac.has_value(), any([](const policy::Group& one) { return !one.macs.empty(); }),
       "--mac");
  note(device.address.has_value(),
       any([](const policy::Group& one) { return !one.prefixes.empty(); }), "--client");
  note(device.vlan.outer != 0, any([](const policy::Group& one) { return !one.vlans.empty(); }),
       "--vlan");
  note(!device.port.empty(), any([](const policy::Group& one) { return !one.ports.empty(); }),
       "--port");
  return "no group names the device" +
         (missing.empty() ? "" : "; it may be in one by what was not given of it: " + missing);
}

/// What of a group's definition the device met.
std::string matched_rule(const policy::PolicySet& set, const std::string& group,
                         policy::MatchedBy by, const Device& device) {
  const auto found = std::find_if(set.groups.begin(), set.groups.end(),
                                  [&](const policy::Group& each) { return each.name == group; });
  if (found == set.groups.end()) return unnamed(set, device);
  switch (by) {
    case policy::MatchedBy::mac:
      return "MAC address " + policy::text(*device.mac);
    case policy::MatchedBy::prefix: {
      const policy::Prefix* longest = nullptr;
      for (const policy::Prefix& prefix : found->prefixes) {
        const bool placed = prefix.vlan.outer != 0;
        const bool there = prefix.vlan.outer == device.vlan.outer &&
                           (prefix.vlan.inner == 0 || prefix.vlan.inner == device.vlan.inner);
        if (!contains(prefix, *device.address) || (placed && !there)) continue;
        const auto rank = [](const policy::Prefix& one) {
          return std::tuple(one.vlan.outer != 0, one.length, one.vlan.inner);
        };
        if (longest == nullptr || rank(prefix) > rank(*longest)) longest = &prefix;
      }
      return longest == nullptr ? "prefix" : "prefix " + policy::text(*longest);
    }
    case policy::MatchedBy::vlan:
      return "VLAN " + std::to_string(device.vlan.outer) +
             (device.vlan.inner != 0 ? "." + std::to_string(device.vlan.inner) : "");
    case policy::MatchedBy::port:
      return "port " + device.port;
    case policy::MatchedBy::fallback:
      return unnamed(set, device);
  }
  return {};
}

Result<policy::Client> client_of(const Device& device, const std::vector<std::string>& ports) {
  policy::Client client;
  client.port = static_cast<std::uint16_t>(ports.size());  // of no known port
  if (device.mac) client.mac = *device.mac;
  if (device.address) {
    client.has_ip = true;
    client.ipv6 = device.address->ipv6;
    client.address = device.address->address;
  }
  client.outer_vlan = device.vlan.outer;
  client.inner_vlan = device.vlan.inner;
  if (!device.port.empty()) {
    const auto at = std::find(ports.begin(), ports.end(), device.port);
    if (at == ports.end()) {
      return fail("no inside port has this name", "--port " + device.port,
                  "the configuration's pairs name them");
    }
    client.port = static_cast<std::uint16_t>(at - ports.begin());
  }
  return client;
}

ordered_json record_json(const Listed::Entry& entry) {
  const generation::Record& record = entry.covering.record;
  const policy::Category* category = policy::find_category(record.category);
  ordered_json out = {{"listed_name", entry.covering.listed_name},
                      {"scope", text(record.scope)},
                      {"disposition", text(record.disposition)},
                      {"category", category != nullptr ? category->name : ""},
                      {"layer", text(record.layer)},
                      {"ended", entry.ended}};
  for (const generation::ProvenanceField& field : generation::kProvenanceFields) {
    const std::string& value = entry.from.*field.value;
    if (!value.empty()) out[field.name] = value;
  }
  return out;
}

/// Who alone can loosen a policy.
std::string owner_of(const policy::PolicySet& set, const std::string& policy) {
  for (const policy::Layer& layer : set.layers) {
    if (layer.policy == policy) return layer.owner;
  }
  return "site";
}

/// The rules of section 5 one after the other, up to the one that decided.
class Steps {
 public:
  /// `engine`: the search engine that the name is; may be null.
  Steps(const policy::PolicySet& set, const generation::Answer& answer, const Standing& standing,
        const ordered_json& lists, const policy::SearchEngine* engine)
      : answer_(answer),
        layers_(standing.layers),
        set_(set),
        masks_(standing.masks),
        lists_(lists),
        engine_(engine) {}

  ordered_json until(const policy::Verdict& verdict) {
    const CategoryMask never = answer_.categories & policy::mandatory_categories();
    const CategoryMask watched = answer_.categories & masks_.watched;
    const Reason reason = verdict.reason;
    if (add(1, "is the name protected?", answer_.is_protected ? "yes" : "no",
            reason == Reason::is_protected)) {
      return steps_;
    }
    if (add(2, "in a category that nobody may lift, or listed in an emergency?",
            never != 0          ? "yes: " + joined(never)
            : answer_.emergency ? "yes: an emergency order"
                                : "no",
            reason == Reason::mandatory || reason == Reason::emergency)) {
      return steps_;
    }
    if (add(3, "does the site allow it?", answer_.local_allow ? "yes" : "no",
            reason == Reason::site_allow)) {
      return steps_;
    }
    if (add(4, "which categories is it in?", joined(answer_.categories),
            reason == Reason::not_listed)) {
      return steps_;
    }
    bool blocks = false;
    for (const Standing::Layer& layer : layers_) {
      blocks = add_layer(layer, !blocks && reason == Reason::category) || blocks;
    }
    if (blocks && reason == Reason::category) return steps_;
    if (masks_.curated && add(6, "is it on a list of what it lets through alone?", on_list(),
                              reason == Reason::not_curated || reason == Reason::paused ||
                                  reason == Reason::curated)) {
      return steps_;
    }
    if (masks_.budgeted != 0 &&
        add(5, "is the device's time for one of them used up?",
            reason == Reason::budget ? "yes" : "no", reason == Reason::budget)) {
      return steps_;
    }
    const bool safe = reason == Reason::safe_search;
    add(7, "does its policy watch one of them?", watched != 0 ? "yes: " + joined(watched) : "no",
        !safe);
    if (safe) {
      add(7, "is it a search engine's, for which its policy has safe search?",
          "yes: '" + engine_->name + "', " + std::string(policy::text(masks_.safe_search)), true);
    }
    return steps_;
  }

 private:
  /// Whether the layer blocks it; `first`: it decides then.
  bool add_layer(const Standing::Layer& layer, bool first) {
    const CategoryMask blocked = answer_.categories & layer.blocks;
    const std::string owner = owner_of(set_, layer.policy.name);
    add(5,
        "does policy '" + layer.policy.name + "'" + (owner == "site" ? "" : " of " + owner) +
            " block one of them?",
        blocked == 0                            ? "no"
        : (blocked & layer.policy.blocked) != 0 ? "yes: " + joined(blocked)
                                                : "yes, at this time: " + joined(blocked),
        first && blocked != 0);
    return blocked != 0;
  }
  [[nodiscard]] std::string on_list() const {
    for (const ordered_json& one : lists_) {
      if (!one["of_policy"].get<bool>() || one["excepted"].get<bool>()) continue;
      return "yes: '" + one["list"].get<std::string>() + "'";
    }
    if (const CategoryMask by = answer_.categories & masks_.categories; by != 0) {
      return "yes, by category: " + joined(by);
    }
    return "no";
  }
  bool add(int rule, std::string question, std::string answer, bool decides) {
    steps_.push_back({{"rule", rule},
                      {"question", std::move(question)},
                      {"answer", std::move(answer)},
                      {"decides", decides}});
    return decides;
  }

  const generation::Answer& answer_;
  const std::vector<Standing::Layer>& layers_;
  const policy::PolicySet& set_;
  const policy::Masks& masks_;
  const ordered_json& lists_;
  const policy::SearchEngine* engine_;
  ordered_json steps_ = ordered_json::array();
};

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
  const auto on_lists = listed(*question.generation, lookup,
                               question.at_another_time ? question.moment : std::nullopt);
  if (!on_lists) return fail(on_lists.error());

  const policy::GroupMatch match = groups->find(*client);
  const policy::ResolvedGroup& group = groups->groups()[match.group];
  const generation::Answer& answer = on_lists->answer;
  const policy::Timetable timetable(set, *groups);
  const Standing standing = standing_of(set, *groups, timetable, *client, question.moment);
  const policy::Masks& masks = standing.masks;
  policy::Verdict verdict =
      policy::decide(answer, masks, policy::CuratedNames(set.curated).lists_of(lookup));
  bool used_up = false;
  const ordered_json budgets = budgets_json(question, standing, answer.categories, used_up);
  const bool hangs = verdict.reason == Reason::listed_only || verdict.reason == Reason::watched ||
                     verdict.reason == Reason::curated;
  if (used_up && hangs) {
    verdict = {policy::Action::block, Reason::budget,
               policy::most_severe(answer.categories & masks.budgeted)};
  }
  const policy::SearchEngine* const engine = policy::engine_of(set.engines, *canonical);
  if (engine != nullptr) verdict = policy::decide_safe_search(verdict, masks);
  std::optional<generation::Record> decider;
  if (verdict.category != 0 || verdict.action != policy::Action::block) {
    decider = on_lists->decider(verdict.category);
  }

  ordered_json records = ordered_json::array();
  for (const Listed::Entry& entry : on_lists->entries) records.push_back(record_json(entry));
  ordered_json hours = ordered_json::array();
  ordered_json layers = ordered_json::array();
  std::vector<std::string> changes;
  const auto note_changes = [&](const policy::Policy& by, const ordered_json& its_hours) {
    for (std::string& one : what_would_change(verdict, by, its_hours, records)) {
      if (std::find(changes.begin(), changes.end(), one) == changes.end())
        changes.push_back(std::move(one));
    }
  };
  // Of several that decide so, each one has to.
  const CategoryMask decided = verdict.category == 0 ? 0 : policy::bit(verdict.category);
  for (const Standing::Layer& layer : standing.layers) {
    const ordered_json its = hours_json(set, timetable, &layer.policy, question.moment);
    hours.insert(hours.end(), its.begin(), its.end());
    layers.push_back({{"policy", layer.policy.name},
                      {"owner", owner_of(set, layer.policy.name)},
                      {"blocks", names_of(layer.blocks)}});
    const bool decides =
        (verdict.reason == Reason::category && (layer.blocks & decided) != 0) ||
        (verdict.reason == Reason::not_curated && layer.policy.only) ||
        (verdict.reason == Reason::safe_search && layer.policy.safe_search == masks.safe_search);
    if (decides) note_changes(layer.policy, its);
  }
  if (changes.empty()) note_changes(standing.policy, hours);
  const ordered_json mode = mode_json(standing.mode, set.time_zone);
  const bool whatever_policy =
      verdict.reason == Reason::is_protected || verdict.reason == Reason::mandatory ||
      verdict.reason == Reason::emergency || verdict.reason == Reason::site_allow;
  if (!mode.is_null() && !whatever_policy) {
    changes.push_back("the end of the mode '" + standing.mode->word + "' of " +
                      policy::subject(*standing.mode) + ", " + mode["ends"].get<std::string>());
  }
  const ordered_json lists = lists_json(set, standing, *canonical);
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
      {"hours", std::move(hours)},
      {"lists", lists},
      {"budgets", budgets},
      {"safe_search", safe_search},
      {"generation",
       {{"number", header.generation},
        {"created", header.created},
        {"file", question.generation->path().string()},
        {"policy_from", question.policy_from}}},
      {"steps", Steps(set, answer, standing, lists, engine).until(verdict)},
      {"records", std::move(records)},
      {"client_gets", what_the_client_gets(verdict, groups->answer(), decider,
                                           safe_search.is_null()
                                               ? std::string()
                                               : safe_search["asked_instead"].get<std::string>())},
      {"would_change", changes}};
}

}  // namespace sluice::ctl
