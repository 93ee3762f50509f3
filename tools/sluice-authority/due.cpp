// Which notices somebody must look at before long: the day of their review comes, or they end.
#include <algorithm>
#include <iostream>

#include "control/compile/orders.h"
#include "tools/sluice-authority/commands.h"

namespace sluice::authority {
namespace {

struct Due {
  tuf::Time at{};
  std::string text;
};

std::string told(const std::string& department, const compile::Order& order, std::uint64_t names) {
  return department + "  " + order.order + "  " + category_text(order.category->name) + "  " +
         std::to_string(names) + (names == 1 ? " name" : " names");
}

/// Orders with names; one that was suspended or withdrawn waits for nobody.
Status find_due(const Draft& draft, tuf::Time now, tuf::Time until, std::vector<Due>& due) {
  const std::vector<std::uint64_t> names = names_by_order(draft);
  for (std::size_t i = 0; i < draft.orders.size(); ++i) {
    if (names[i] == 0) continue;
    const std::string where =
        "lists/" + draft.department + "/orders.jsonl:" + std::to_string(i + 1);
    auto order = compile::parse_order(tuf::canonical(draft.orders[i]), where);
    if (!order) return fail(order.error());
    if (!order->active) continue;
    const std::string rest = told(draft.department, *order, names[i]);
    if (order->expires <= until) {
      const char* const how = order->expires <= now ? "  ENDED    " : "  ends     ";
      due.push_back({order->expires, tuf::to_text(order->expires) + how + rest});
    }
    // What has ended needs no review any more.
    if (order->review_by.empty() || order->expires <= now) continue;
    auto review = tuf::parse_time_or_day(order->review_by);
    if (!review) {
      due.push_back({{}, where + ": review_by is no day: " + order->review_by + "  " + rest});
      continue;
    }
    if (*review > until) continue;
    const char* const how = *review <= now ? "  OVERDUE  " : "  review   ";
    due.push_back({*review, tuf::to_text(*review) + how + rest});
  }
  return {};
}

}  // namespace

Status due_command(const Workspace& workspace, unsigned days) {
  const tuf::Time now = workspace.clock();
  const tuf::Time until = now + std::chrono::hours(24) * days;
  std::vector<Due> due;
  for (const std::string& department : departments()) {
    auto draft = load_draft(workspace, department);
    if (!draft) return fail(draft.error());
    if (auto status = find_due(*draft, now, until, due); !status) return status;
  }
  std::stable_sort(due.begin(), due.end(),
                   [](const Due& one, const Due& other) { return one.at < other.at; });
  for (const Due& one : due) std::cout << one.text << "\n";
  if (due.empty()) std::cout << "nothing until " << tuf::to_text(until) << "\n";
  return {};
}

}  // namespace sluice::authority
