// What minutes have to do with a verdict.
#include <algorithm>

#include "config/calendar/calendar.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {

using nlohmann::ordered_json;

namespace {

/// Whether the minutes are those of the day that is asked about.
bool is_of_the_day(const nlohmann::json& spent, const Question& question) {
  const std::string ends = spent.value("day_ends", "");
  if (!question.at_another_time || !question.moment || ends.empty()) return true;
  const auto& days = question.policy->budget_days;
  const auto next = std::upper_bound(days.begin(), days.end(), *question.moment);
  return next != days.end() && ends == calendar::moment_text(*next, question.policy->time_zone);
}

}  // namespace

ordered_json budgets_json(const Question& question, const Standing& standing,
                          policy::CategoryMask categories, bool& used_up) {
  used_up = false;
  ordered_json out = ordered_json::array();
  const auto& budgets = question.policy->budgets;
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    const policy::Budget& budget = budgets[i];
    const bool applies =
        (standing.masks.budgets >> i & 1) != 0 && (budget.categories & categories) != 0;
    if (!applies) continue;
    ordered_json one = {{"budget", budget.name},
                        {"categories", names_of(budget.categories)},
                        {"minutes_a_day", budget.minutes_a_day},
                        {"minutes_a_week", budget.minutes_a_week},
                        {"known", question.spent.is_array()}};
    if (question.spent.is_array()) {
      // Who has spent nothing is in no list.
      one.update({{"state", "good"}, {"used_today", 0}, {"used_this_week", 0}});
      for (const nlohmann::json& spent : question.spent) {
        if (spent.value("budget", "") != budget.name) continue;
        if (is_of_the_day(spent, question)) {
          one.update(spent);
        } else {
          one["known"] = false;
          one["state"] = "unknown";
          one.erase("used_today");
          one.erase("used_this_week");
        }
      }
      used_up = used_up || one["state"] == "exhausted";
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace sluice::ctl
