// Budgets of time, and which policies have them.
#include <algorithm>

#include "config/schema/bind.h"
#include "config/schema/nearest.h"

namespace sluice::schema {

std::vector<policy::Budget> bind_budget_definitions(const TextNode* budgets,
                                                    const std::string& path, Faults& faults) {
  std::vector<policy::Budget> out;
  for (const Member* member : entries(budgets)) {
    policy::Budget budget{.name = member->key.text};
    const std::string at = path + "." + budget.name;
    if (const TextNode* categories = find(member->value, "categories")) {
      for (const TextNode& item : categories->items) {
        const policy::Category* category = item.good ? policy::find_category(item.text) : nullptr;
        if (category != nullptr) budget.categories |= policy::bit(category->id);
      }
      if (categories->items.empty()) {
        faults.add(categories->place, at + ".categories", "names no categories",
                   "name one at least, such as [games]");
      }
    }
    take(member->value, "minutes_a_day", budget.minutes_a_day);
    take(member->value, "minutes_a_week", budget.minutes_a_week);
    take(member->value, "warn_at", budget.warn_at);
    const auto keys = names(&member->value);  // a limit with a fault of its own is one
    const bool has_limit = std::any_of(keys.begin(), keys.end(), [](std::string_view key) {
      return key == "minutes_a_day" || key == "minutes_a_week";
    });
    const bool is_sound = member->value.good && find(member->value, "categories") != nullptr;
    if (!has_limit && is_sound) {
      faults.add(member->key.place, at, "has no limit", "give it minutes_a_day or minutes_a_week");
    }
    out.push_back(std::move(budget));
  }
  return out;
}

void bind_budgets(const TextNode& root, Config& config, Faults& faults) {
  config.policy.budgets = bind_budget_definitions(find(root, "budgets"), "budgets", faults);
  if (const TextNode* by = find(root, "devices_by")) {
    config.policy.devices_by_address = by->text == "address";
  }
  const TextNode* calendar = find(root, "calendar");
  const TextNode* begins = calendar == nullptr ? nullptr : find(*calendar, "day_begins");
  if (begins == nullptr) return;
  config.times.day_begins = calendar::parse_time_of_day(begins->text).value_or(0);
  if (config.times.day_begins == calendar::kMinutesOfDay) {
    faults.add(begins->place, "calendar.day_begins", "is the end of the day, not a beginning",
               "write \"00:00\"");
  }
}

void bind_budget_names(const TextNode& policy, const std::string& path, const TextNode& root,
                       policy::Policy& out, Faults& faults) {
  const TextNode* list = find(policy, "budgets");
  if (list == nullptr || list->form != Form::list) return;
  const TextNode* const defined = find(root, "budgets");
  const auto known =
      names(defined != nullptr && defined->form == Form::mapping ? defined : nullptr);
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const TextNode& item = list->items[i];
    const std::string at = path + ".budgets[" + std::to_string(i) + "]";
    if (!item.good || !check_reference(item, "budget", known, at, faults)) continue;
    const auto found = std::find(known.begin(), known.end(), item.text) - known.begin();
    if (found < static_cast<std::ptrdiff_t>(policy::kMaxBudgets)) {
      out.budgets |= std::uint32_t{1} << found;
    }
  }
}

}  // namespace sluice::schema
