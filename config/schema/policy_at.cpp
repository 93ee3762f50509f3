#include <algorithm>
#include <chrono>

#include "config/schema/config.h"
#include "config/schema/nearest.h"

namespace sluice::schema {
namespace {

using namespace std::chrono;

// A month's first day is not the same everywhere on Earth, and a clock may be set back a little.
constexpr days kMargin{2};
constexpr months kStretch{14};
// Who asks why is told of what was, too: complaints come weeks later.
constexpr months kBefore{2};

/// Each group its own policy.
constexpr std::string_view kNormal = "normal";
/// A name that no configuration can give.
constexpr std::string_view kPausePolicy = "pause/all";

year_month month_of(std::int64_t now) {
  const year_month_day date(floor<days>(sys_seconds(seconds(now))) - kMargin);
  return date.year() / date.month();
}

std::int64_t first_moment(year_month month) {
  return sys_seconds(sys_days(month / 1)).time_since_epoch().count();
}

/// The moments at which days of a kind begin for budgets: the first of a few hours from the hour on
/// that is asked for, for a clock may leap over that one.
Result<std::vector<std::int64_t>> day_begins(const Times& times, calendar::Kind kind,
                                             std::int64_t from, std::int64_t until) {
  constexpr int kHours = 3 * 60;
  const calendar::Window window{.days = {{kind, {}}},
                                .except = {},
                                .from = times.day_begins,
                                .until = (times.day_begins + kHours) % calendar::kMinutesOfDay};
  auto toggles = calendar::toggles(times.calendar, {window}, from, until);
  if (!toggles) return fail(toggles.error());
  std::vector<std::int64_t> out;
  constexpr std::int64_t kHalfADay = 12 * 3600;
  for (std::size_t i = toggles->active ? 1 : 0; i < toggles->at.size(); i += 2) {
    // Set back, the clock may show the moment twice; nobody gets his minutes twice by that.
    const bool again = !out.empty() && toggles->at[i] - out.back() < kHalfADay;
    if (!again) out.push_back(toggles->at[i]);
  }
  return out;
}

}  // namespace

Result<policy::PolicySet> policy_at(const Config& config, std::int64_t now) {
  policy::PolicySet set = config.policy;
  set.time_zone = config.times.calendar.time_zone;
  if (set.schedules.empty() && set.budgets.empty()) return set;
  set.schedules_from = first_moment(month_of(now) - kBefore);
  set.schedules_until = first_moment(month_of(now) + kStretch);
  for (std::size_t i = 0; i < set.schedules.size(); ++i) {
    auto found = calendar::toggles(config.times.calendar, config.times.schedules[i].windows,
                                   set.schedules_from, set.schedules_until);
    if (!found) return fail(found.error());
    set.schedules[i].active = found->active;
    set.schedules[i].toggles = std::move(found->at);
  }
  if (set.budgets.empty()) return set;
  for (const auto& [kind, into] : {std::pair{calendar::Kind::every_day, &set.budget_days},
                                   {calendar::Kind::monday, &set.budget_weeks}}) {
    auto begins = day_begins(config.times, kind, set.schedules_from, set.schedules_until);
    if (!begins) return fail(begins.error());
    *into = std::move(*begins);
  }
  return set;
}

Result<std::string> policy_of_mode(const Config& config, std::string_view word) {
  if (word == kNormal) return std::string();
  if (const auto found = config.modes.find(word); found != config.modes.end()) return found->second;
  const auto& policies = config.policy.policies;
  const auto is_named = [&](const policy::Policy& one) { return one.name == word; };
  if (std::any_of(policies.begin(), policies.end(), is_named)) return std::string(word);
  if (word == policy::kPause) return std::string(kPausePolicy);
  std::vector<std::string_view> known{kNormal, policy::kPause};
  for (const auto& [name, policy] : config.modes) known.push_back(name);
  for (const policy::Policy& one : policies) known.push_back(one.name);
  return fail("neither modes nor policies have '" + std::string(word) + "'", std::string(word),
              suggest(word, known));
}

Result<policy::PolicySet> policy_at(const Config& config, std::int64_t now,
                                    const std::vector<policy::Mode>& modes) {
  auto set = policy_at(config, now);
  if (!set) return set;
  bool any_pause = false;
  for (policy::Mode mode : modes) {
    if (mode.until != 0 && mode.until <= now) continue;
    auto policy = policy_of_mode(config, mode.word);
    if (!policy) continue;
    mode.policy = std::move(*policy);
    any_pause = any_pause || mode.policy == kPausePolicy;
    set->modes.push_back(std::move(mode));
  }
  if (any_pause) {
    set->policies.push_back({.name = std::string(kPausePolicy),
                             .withhold_ech = false,
                             .refuse_encrypted_dns = false,
                             .only = policy::Only{}});
  }
  return set;
}

std::optional<std::int64_t> next_policy_at(const Config& config, std::int64_t now) {
  if (config.policy.schedules.empty() && config.policy.budgets.empty()) return std::nullopt;
  return first_moment(month_of(now) + months(1)) + seconds(kMargin).count();
}

}  // namespace sluice::schema
