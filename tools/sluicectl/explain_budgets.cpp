// What minutes have to do with a verdict.
#include <algorithm>

#include "config/calendar/calendar.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {

using nlohmann::ordered_json;

namespace {

std::size_t stretch_of(const std::vector<std::int64_t>& begins, std::int64_t moment) {
  return static_cast<std::size_t>(std::upper_bound(begins.begin(), begins.end(), moment) -
                                  begins.begin());
}

/// When the day of the minutes ends; nullopt where that is not told.
policy::Moment end_of(const nlohmann::json& spent, const Question& question) {
  const std::string ends = spent.value("day_ends", "");
  for (const std::int64_t day : question.policy->budget_days) {
    if (calendar::moment_text(day, question.policy->time_zone) == ends) return day;
  }
  return std::nullopt;
}

/// Whether the minutes are those of the day that is asked about.
bool is_of_the_day(const nlohmann::json& spent, const Question& question) {
  const std::string ends = spent.value("day_ends", "");
  if (!question.at_another_time || !question.moment || ends.empty()) return true;
  const auto& days = question.policy->budget_days;
  const auto next = std::upper_bound(days.begin(), days.end(), *question.moment);
  return next != days.end() && ends == calendar::moment_text(*next, question.policy->time_zone);
}

/// Whether the week's minutes are used up, but for those added for a day, on a later day of that
/// week.
bool is_of_a_spent_week(const nlohmann::json& spent, const policy::Budget& budget,
                        const Question& question) {
  const auto end = end_of(spent, question);
  if (budget.minutes_a_week == 0 || !end || *question.moment < *end ||
      spent.value("used_this_week", 0U) < budget.minutes_a_week) {
    return false;
  }
  const auto& weeks = question.policy->budget_weeks;
  return stretch_of(weeks, *end - 1) == stretch_of(weeks, *question.moment);
}

/// Whether it is the day on which the dataplane tells of nothing spent.
bool is_today(const Question& question) {
  if (!question.at_another_time || !question.moment || !question.now) return true;
  const auto& days = question.policy->budget_days;
  return stretch_of(days, *question.now) == stretch_of(days, *question.moment);
}

}  // namespace

nlohmann::json spent_until(const Question& question) {
  nlohmann::json out = question.spent;
  if (!out.is_array() || !question.moment) return out;
  const auto& days = question.policy->budget_days;
  for (auto one = out.begin(); one != out.end();) {
    const auto end = end_of(*one, question);
    const bool later = end && stretch_of(days, *end - 1) > stretch_of(days, *question.moment);
    one = later ? out.erase(one) : one + 1;
  }
  return out;
}

ordered_json budgets_json(const Question& question, const policy::Masks& masks,
                          policy::CategoryMask categories, policy::CategoryMask& used_up) {
  used_up = 0;
  ordered_json out = ordered_json::array();
  const auto& budgets = question.policy->budgets;
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    const policy::Budget& budget = budgets[i];
    const bool applies = (masks.budgets >> i & 1) != 0 && (budget.categories & categories) != 0;
    if (!applies) continue;
    ordered_json one = {{"budget", budget.name},
                        {"categories", names_of(budget.categories)},
                        {"minutes_a_day", budget.minutes_a_day},
                        {"minutes_a_week", budget.minutes_a_week},
                        {"known", question.spent.is_array()}};
    if (question.spent.is_array()) {
      // Who has spent nothing is in no list.
      if (is_today(question)) {
        one.update({{"state", "good"}, {"used_today", 0}, {"used_this_week", 0}});
      } else {
        one.update({{"known", false}, {"state", "unknown"}});
      }
      for (const nlohmann::json& spent : question.spent) {
        if (spent.value("budget", "") != budget.name) continue;
        if (is_of_the_day(spent, question)) {
          one.update(spent);
          one["known"] = true;
        } else if (is_of_a_spent_week(spent, budget, question)) {
          one.update({{"known", true},
                      {"state", "exhausted"},
                      {"used_this_week", spent.value("used_this_week", 0U)},
                      {"left", 0}});
          one.erase("used_today");
        } else {
          one["known"] = false;
          one["state"] = "unknown";
          one.erase("used_today");
          one.erase("used_this_week");
        }
      }
      if (one["state"] == "exhausted") used_up |= budget.categories;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace sluice::ctl
