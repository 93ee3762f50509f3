// When the clock alone makes a verdict another one.
#include <algorithm>
#include <limits>

#include "config/calendar/calendar.h"
#include "control/tuf/time.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {

using nlohmann::ordered_json;

namespace {

/// More than a year has of them in any schedule that a person would write.
constexpr std::size_t kMostMoments = 5000;

policy::Moment end_of(const Listed::Entry& entry) {
  const auto expires = tuf::parse_time_or_day(entry.from.expires);
  if (!expires) return std::nullopt;
  return expires->time_since_epoch().count();
}

/// When entries begin or end.
std::vector<std::int64_t> moments_of(const Listed& on_lists) {
  std::vector<std::int64_t> out;
  for (const Listed::Entry& entry : on_lists.entries) {
    if (entry.begins) out.push_back(*entry.begins);
    if (const auto end = end_of(entry)) out.push_back(*end);
  }
  return out;
}

bool any_used_up(const nlohmann::json& spent) {
  return spent.is_array() && std::any_of(spent.begin(), spent.end(), [](const auto& one) {
           return one.value("state", "") == "exhausted";
         });
}

/// When something may change, in order, as far as all of it was worked out.
std::vector<std::int64_t> moments_after(const Asked& asked, std::int64_t moment) {
  const bool by_schedules = !asked.set.schedules.empty();
  if (by_schedules && !asked.timetable.covers(moment)) return {};
  std::vector<std::int64_t> out = moments_of(asked.on_lists);
  const auto add = [&](const std::vector<std::int64_t>& more) {
    out.insert(out.end(), more.begin(), more.end());
  };
  for (const policy::Schedule& schedule : asked.set.schedules) add(schedule.toggles);
  for (const policy::Mode& mode : asked.set.modes) {
    if (mode.until != 0) out.push_back(mode.until);
  }
  if (any_used_up(asked.question.spent)) add(asked.set.budget_days);
  const std::int64_t until =
      by_schedules ? asked.set.schedules_until : std::numeric_limits<std::int64_t>::max();
  std::erase_if(out, [&](std::int64_t one) { return one <= moment || one >= until; });
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > kMostMoments) out.resize(kMostMoments);
  return out;
}

std::vector<std::string> used_up_of(const ordered_json& budgets) {
  std::vector<std::string> out;
  for (const ordered_json& budget : budgets) {
    if (budget.value("state", "") == "exhausted") out.push_back(budget["budget"]);
  }
  return out;
}

/// What of entries and budgets is another one then; schedules and modes tell theirs by themselves.
/// `before`: the budgets that are used up; `now`: those that the device has then.
ordered_json because_of(const Asked& asked, std::int64_t next,
                        const std::vector<std::string>& before, const ordered_json& now) {
  ordered_json out = ordered_json::array();
  for (const Listed::Entry& entry : asked.on_lists.entries) {
    const std::string which = "the entry for " + entry.covering.listed_name;
    if (entry.begins == next) out.push_back(which + " begins");
    if (end_of(entry) == next) out.push_back(which + " ends");
  }
  for (const ordered_json& budget : now) {
    const std::string& name = budget["budget"].get_ref<const std::string&>();
    const bool was = std::find(before.begin(), before.end(), name) != before.end();
    if (was && budget.value("state", "") != "exhausted") {
      out.push_back("minutes of the budget '" + name + "' begin anew");
    }
  }
  return out;
}

}  // namespace

ordered_json next_by_the_clock(const Asked& asked, const ordered_json& budgets,
                               const Judge& judge) {
  Question then = asked.question;
  then.at_another_time = true;
  then.spent = spent_until(asked.question);
  const std::uint16_t own = asked.groups.find(asked.client).group;
  const auto entries_change = moments_of(asked.on_lists);
  std::int64_t before = *asked.question.moment;
  generation::Answer answer = asked.on_lists.answer;
  const std::vector<std::string> used_up_before = used_up_of(budgets);
  for (const std::int64_t next : moments_after(asked, before)) {
    const bool lists_change =
        std::any_of(entries_change.begin(), entries_change.end(),
                    [&](std::int64_t one) { return before < one && one <= next; });
    before = next;
    if (lists_change) {
      auto found = listed(*then.generation, asked.name, next, then.later);
      if (!found) return nullptr;
      answer = found->answer;
    }
    policy::Masks masks;
    if (asked.groups.any_device_mode()) {
      const auto all = asked.timetable.masks(next);
      masks = all[asked.groups.find(asked.client, all.data())];
    } else {
      masks = asked.timetable.masks(own, next);
    }
    then.moment = next;
    policy::CategoryMask used_up = 0;
    const ordered_json budgets_then = budgets_json(then, masks, answer.categories, used_up);
    const policy::Verdict verdict = judge(answer, masks, used_up);
    if (verdict.action == asked.verdict.action) continue;
    return {{"until", calendar::moment_text(next, asked.set.time_zone)},
            {"then", policy::text(verdict.action)},
            {"reason", policy::text(verdict.reason)},
            {"because", because_of(asked, next, used_up_before, budgets_then)}};
  }
  return nullptr;
}

}  // namespace sluice::ctl
