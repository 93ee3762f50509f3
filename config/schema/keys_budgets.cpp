// The keys of budgets of time.
#include <array>

#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

constexpr Shape kBudgetCategory{.kind = Kind::category, .noun = "a category"};
constexpr Shape kBudgetCategories{
    .kind = Kind::list, .noun = "a list of categories", .item = &kBudgetCategory};
constexpr Shape kDayMinutes = whole_number(1, 1440);
constexpr Shape kWeekMinutes = whole_number(1, 10080);
constexpr Shape kWarnMinutes = whole_number(0, 1440);
constexpr Shape kBudgetName{.kind = Kind::name, .noun = "the name of a budget"};

constexpr std::array kBudgetFields{
    Field{"categories", &kBudgetCategories, true, "",
          "What the minutes are spent in, all together."},
    Field{"minutes_a_day", &kDayMinutes, false, "no limit",
          "Minutes a day for each device; the day begins at `calendar.day_begins`."},
    Field{"minutes_a_week", &kWeekMinutes, false, "no limit",
          "Minutes a week, from Monday on. One of both is needed."},
    Field{"warn_at", &kWarnMinutes, false, "10",
          "With so many minutes left, `budget list` says so."},
};
constexpr Shape kBudget{.kind = Kind::mapping,
                        .noun = "a budget",
                        .fields = kBudgetFields,
                        .because = "minutes are spent in something"};

}  // namespace

constexpr Shape kBudgets{.kind = Kind::named,
                         .noun = "budgets, as NAME: {categories: [games], minutes_a_day: 60}",
                         .minimum = 0,
                         .maximum = kMostOwnBudgets,
                         .item = &kBudget};
constexpr Shape kBudgetNames{
    .kind = Kind::list, .noun = "a list of names of budgets", .item = &kBudgetName};

/// A layer names those of the site, or gives its own.
constexpr Shape kLayerBudgets{.kind = Kind::list,
                              .noun = "a list of names of budgets, or budgets of its own",
                              .item = &kBudgetName,
                              .also = &kBudgets};

}  // namespace sluice::schema
