// What the clock has to do with a verdict.
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

}  // namespace

ordered_json names_of(policy::CategoryMask mask) {
  ordered_json out = ordered_json::array();
  for (const policy::Category& category : policy::taxonomy()) {
    if ((mask & policy::bit(category.id)) != 0) out.push_back(category.name);
  }
  return out;
}

ordered_json hours_json(const policy::PolicySet& set, const policy::Timetable& timetable,
                        const policy::Policy* policy, policy::CategoryMask of_name,
                        policy::Moment moment) {
  ordered_json out = ordered_json::array();
  if (policy == nullptr) return out;
  for (const policy::Hours& hours : policy->hours) {
    const policy::Schedule& schedule = set.schedules[hours.schedule];
    ordered_json one = {{"categories", names_of(hours.categories)},
                        {hours.only_during ? "only_during" : "not_during", schedule.name},
                        {"schedule", schedule.name},
                        {"policy", policy->name},
                        {"of_name", (hours.categories & of_name) != 0}};
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

}  // namespace sluice::ctl
