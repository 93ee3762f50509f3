// When the clock alone makes a verdict another one.
#include <algorithm>

#include "config/calendar/calendar.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {

using nlohmann::ordered_json;

namespace {

/// More than a year has of them in any schedule that a person would write.
constexpr std::size_t kMostMoments = 5000;

std::vector<std::int64_t> moments_after(const policy::PolicySet& set, std::int64_t moment) {
  std::vector<std::int64_t> out;
  for (const policy::Schedule& schedule : set.schedules) {
    out.insert(out.end(),
               std::upper_bound(schedule.toggles.begin(), schedule.toggles.end(), moment),
               schedule.toggles.end());
  }
  for (const policy::Mode& mode : set.modes) {
    if (mode.until > moment) out.push_back(mode.until);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > kMostMoments) out.resize(kMostMoments);
  return out;
}

}  // namespace

ordered_json next_by_the_clock(const policy::PolicySet& set, const policy::GroupTable& groups,
                               const policy::Timetable& timetable, const policy::Client& client,
                               std::int64_t moment, const policy::Verdict& verdict,
                               const std::function<policy::Verdict(const policy::Masks&)>& judge) {
  const std::uint16_t own = groups.find(client).group;
  for (const std::int64_t next : moments_after(set, moment)) {
    policy::Masks masks;
    if (groups.any_device_mode()) {
      const auto all = timetable.masks(next);
      masks = all[groups.find(client, all.data())];
    } else {
      masks = timetable.masks(own, next);
    }
    const policy::Verdict then = judge(masks);
    if (then.action == verdict.action) continue;
    return {{"until", calendar::moment_text(next, set.time_zone)},
            {"then", policy::text(then.action)},
            {"reason", policy::text(then.reason)}};
  }
  return nullptr;
}

}  // namespace sluice::ctl
