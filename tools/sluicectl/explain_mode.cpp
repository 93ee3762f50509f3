// Which policy a device has, by its group or by a mode, and which curated lists a name is on.
#include <algorithm>

#include "config/calendar/calendar.h"
#include "config/policy/curated.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;

bool is_of(const policy::Mode& mode, const policy::Client& client) {
  if (mode.mac) return *mode.mac == client.mac;
  return mode.address && client.has_ip && mode.address->ipv6 == client.ipv6 &&
         mode.address->address == client.address;
}

}  // namespace

Standing standing_of(const policy::PolicySet& set, const policy::GroupTable& groups,
                     const policy::Timetable& timetable, const policy::Client& client,
                     policy::Moment moment) {
  const auto all = timetable.masks(moment);
  Standing out{.group = groups.find(client, all.data()), .policy = {}, .layers = {}, .masks = {}};
  out.masks = all[out.group];
  out.mode = timetable.mode(out.group, moment);
  // A device in its group's own policy stands with the groups, whose mode it has not.
  for (const policy::Mode& mode : timetable.modes()) {
    if (out.mode == nullptr && mode.policy.empty() && is_of(mode, client) &&
        timetable.holds(mode, moment)) {
      out.mode = &mode;
    }
  }
  const std::uint16_t by = timetable.policy(out.group, moment);
  if (by != policy::ResolvedGroup::kNoPolicy) out.policy = set.policies[by];
  for (const std::uint16_t layer : timetable.layers(out.group, moment)) {
    out.layers.push_back({set.policies[layer], timetable.blocked_by(layer, moment)});
  }
  return out;
}

ordered_json mode_json(const policy::Mode* mode, const std::string& time_zone) {
  if (mode == nullptr) return nullptr;
  return {{"mode", mode->word},
          {"subject", policy::subject(*mode)},
          {"ends", mode->until == 0 ? std::string("when somebody ends it")
                                    : calendar::moment_text(mode->until, time_zone)},
          {"who", mode->who},
          {"reason", mode->reason}};
}

std::string let_through(const policy::Policy& policy, const ordered_json& lists,
                        policy::CategoryMask categories) {
  for (const ordered_json& one : lists) {
    const ordered_json& by = one["policies"];
    if (one["excepted"].get<bool>() || std::find(by.begin(), by.end(), policy.name) == by.end()) {
      continue;
    }
    return "yes: '" + one["list"].get<std::string>() + "'";
  }
  std::string named;
  for (const auto& category : names_of(categories & policy.only->categories)) {
    named += (named.empty() ? "yes, by category: " : ", ") + category.get<std::string>();
  }
  return named.empty() ? "no" : named;
}

ordered_json lists_json(const policy::PolicySet& set, const Standing& standing,
                        const std::string& name) {
  ordered_json out = ordered_json::array();
  for (const policy::CuratedBy& one : policy::curated_by(set.curated, name)) {
    ordered_json policies = ordered_json::array();  // that let it through alone, and stand here
    for (const Standing::Layer& layer : standing.layers) {
      for (std::size_t i = 0; layer.policy.only && i < set.curated.size(); ++i) {
        if (set.curated[i].name == one.list && (layer.policy.only->lists >> i & 1) != 0) {
          policies.push_back(layer.policy.name);
        }
      }
    }
    out.push_back({{"list", one.list},
                   {"name", one.name},
                   {"of_policy", !policies.empty()},
                   {"policies", policies},
                   {"needed", one.needed},
                   {"excepted", one.excepted}});
  }
  return out;
}

}  // namespace sluice::ctl
