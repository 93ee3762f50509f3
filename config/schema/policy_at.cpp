#include <chrono>

#include "config/schema/config.h"

namespace sluice::schema {
namespace {

using namespace std::chrono;

// A month's first day is not the same everywhere on Earth, and a clock may be set back a little.
constexpr days kMargin{2};
constexpr months kStretch{14};

year_month month_of(std::int64_t now) {
  const year_month_day date(floor<days>(sys_seconds(seconds(now))) - kMargin);
  return date.year() / date.month();
}

std::int64_t first_moment(year_month month) {
  return sys_seconds(sys_days(month / 1)).time_since_epoch().count();
}

}  // namespace

Result<policy::PolicySet> policy_at(const Config& config, std::int64_t now) {
  policy::PolicySet set = config.policy;
  if (set.schedules.empty()) return set;
  set.schedules_from = first_moment(month_of(now));
  set.schedules_until = first_moment(month_of(now) + kStretch);
  set.time_zone = config.times.calendar.time_zone;
  for (std::size_t i = 0; i < set.schedules.size(); ++i) {
    auto found = calendar::toggles(config.times.calendar, config.times.schedules[i].windows,
                                   set.schedules_from, set.schedules_until);
    if (!found) return fail(found.error());
    set.schedules[i].active = found->active;
    set.schedules[i].toggles = std::move(found->at);
  }
  return set;
}

std::optional<std::int64_t> next_policy_at(const Config& config, std::int64_t now) {
  if (config.policy.schedules.empty()) return std::nullopt;
  return first_moment(month_of(now) + months(1)) + seconds(kMargin).count();
}

}  // namespace sluice::schema
