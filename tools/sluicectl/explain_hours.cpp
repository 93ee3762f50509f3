// What the clock has to do with a verdict, and what would make it another.
#include <algorithm>

#include "config/calendar/calendar.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;

/// When the schedule begins or ends next; empty where it does neither.
std::string next_toggle(const policy::PolicySet& set, const policy::Schedule& schedule,
                        std::int64_t moment) {
  const auto next = std::upper_bound(schedule.toggles.begin(), schedule.toggles.end(), moment);
  return next == schedule.toggles.end() ? "" : calendar::moment_text(*next, set.time_zone);
}

bool names(const ordered_json& hours, std::string_view category) {
  const auto& categories = hours["categories"];
  return std::find(categories.begin(), categories.end(), category) != categories.end();
}

std::string who_may_allow(policy::Override override_by) {
  switch (override_by) {
    case policy::Override::admin:
      return "the administrator";
    case policy::Override::school:
      return "the school";
    case policy::Override::never:
    case policy::Override::not_applicable:
      break;
  }
  return "nobody";
}

void add_ways_out_of_block(const policy::Verdict& verdict, const policy::Policy& by,
                           const ordered_json& hours, const ordered_json& records,
                           std::vector<std::string>& out) {
  const policy::Category* category = policy::find_category(verdict.category);
  if (category == nullptr) return;
  const bool always = (by.blocked & policy::bit(category->id)) != 0;
  if (verdict.reason == policy::Reason::category && always) {
    out.push_back("policy '" + by.name + "' no longer blocking " + std::string(category->name));
  }
  for (const ordered_json& one : hours) {
    if (always || !one["blocks"].get<bool>() || !names(one, category->name)) continue;
    const std::string schedule = one["schedule"].get<std::string>();
    if (one.contains("until")) {
      out.push_back("the schedule '" + schedule + "' at " + one["until"].get<std::string>());
    } else {
      out.push_back("hours of policy '" + by.name + "' other than those by '" + schedule + "'");
    }
  }
  if (category->override_by != policy::Override::never &&
      verdict.reason != policy::Reason::emergency) {
    out.push_back("an entry of the site that allows the name, which " +
                  who_may_allow(category->override_by) + " may make");
  }
  for (const ordered_json& record : records) {
    if (record["disposition"] != "block" || record["category"] != category->name ||
        record["ended"].get<bool>()) {
      continue;
    }
    out.push_back("the end of the entry for " + record["listed_name"].get<std::string>() +
                  (record.contains("expires")
                       ? ", which is on " + record["expires"].get<std::string>()
                       : ""));
  }
}

}  // namespace

ordered_json names_of(policy::CategoryMask mask) {
  ordered_json out = ordered_json::array();
  for (const policy::Category& category : policy::taxonomy()) {
    if ((mask & policy::bit(category.id)) != 0) out.push_back(category.name);
  }
  return out;
}

ordered_json hours_json(const policy::PolicySet& set, const policy::Timetable& timetable,
                        const policy::Policy* policy, policy::Moment moment) {
  ordered_json out = ordered_json::array();
  if (policy == nullptr) return out;
  for (const policy::Hours& hours : policy->hours) {
    const policy::Schedule& schedule = set.schedules[hours.schedule];
    ordered_json one = {{"categories", names_of(hours.categories)},
                        {hours.only_during ? "only_during" : "not_during", schedule.name},
                        {"schedule", schedule.name}};
    if (timetable.covers(moment)) {
      const bool holds = schedule.holds(*moment);
      one["holds"] = holds;
      one["blocks"] = holds != hours.only_during;
      const std::string until = next_toggle(set, schedule, *moment);
      if (!until.empty()) one["until"] = until;
    } else {
      one["blocks"] = policy->block_when_time_unknown;
      one["time"] = moment ? "outside of what was worked out" : "not known";
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::vector<std::string> what_would_change(const policy::Verdict& verdict, const policy::Policy& by,
                                           const ordered_json& hours, const ordered_json& records) {
  std::vector<std::string> out;
  if (verdict.action == policy::Action::block) {
    if (verdict.reason == policy::Reason::not_curated) {
      return {"the name, or one above it, on a list of policy '" + by.name + "'"};
    }
    if (verdict.reason == policy::Reason::budget) {
      out.emplace_back("another day or week, or more minutes: sluicectl budget add");
    }
    add_ways_out_of_block(verdict, by, hours, records, out);
    return out;
  }
  if (verdict.reason == policy::Reason::safe_search) {
    return {"another safe_search of policy '" + by.name + "'", "a site's own allow of the name"};
  }
  if (verdict.reason == policy::Reason::not_listed) {
    return {"an entry for the name, or for one above it"};
  }
  if (verdict.reason == policy::Reason::is_protected) return {"an end of its protection"};
  if (verdict.reason == policy::Reason::curated && verdict.category == 0) {
    return {"an end of its place on the list"};
  }
  if (verdict.reason == policy::Reason::site_allow) {
    for (const ordered_json& record : records) {
      if (record["layer"] != "site" || record["disposition"] != "allow") continue;
      if (record["ended"].get<bool>() || !record.contains("expires")) continue;
      out.push_back("the end of the site's entry for " + record["listed_name"].get<std::string>() +
                    ", which is on " + record["expires"].get<std::string>());
    }
    if (out.empty()) out.emplace_back("an end of the site's entry");
    return out;
  }
  const policy::Category* category = policy::find_category(verdict.category);
  if (category == nullptr) return out;
  for (const ordered_json& one : hours) {
    if (one["blocks"].get<bool>() || !names(one, category->name) || !one.contains("until"))
      continue;
    out.push_back("the schedule '" + one["schedule"].get<std::string>() + "' at " +
                  one["until"].get<std::string>());
  }
  out.push_back("policy '" + by.name + "' blocking " + std::string(category->name));
  return out;
}

}  // namespace sluice::ctl
