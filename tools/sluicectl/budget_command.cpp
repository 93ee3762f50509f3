// Budgets of time: what devices have spent, and what a person adds. The dataplane counts, and
// writes into its log who asked and why.
#include <iostream>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
using nlohmann::json;

int change_budget(const Context& context, const BudgetOptions& options) {
  json request = {{"command", "budget-" + options.command},
                  {"device", options.device},
                  {"budget", options.budget},
                  {"who", options.who.empty() ? own_name() : options.who},
                  {"reason", options.reason}};
  if (options.command == "add") request["minutes"] = options.minutes;
  const auto reply = ask(context, Process::dataplane, request);
  if (!reply) return report(context, reply.error(), kNo);
  if (context.json) {
    print_json(*reply);
  } else {
    std::cout << shown(*reply, "done") << "\n";
  }
  return kYes;
}

int show_budgets(const Context& context, const BudgetOptions& options) {
  json request = {{"command", "budgets"}};
  if (!options.device.empty()) request["device"] = options.device;
  const auto reply = ask(context, Process::dataplane, request);
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  const json spent = reply->value("spent", json::array());
  if (reply->value("budgets", json::array()).empty()) {
    std::cout << "there are no budgets\n";
    return kYes;
  }
  std::vector<std::vector<std::string>> rows{
      {"DEVICE", "BUDGET", "STATE", "LEFT", "TODAY", "ADDED", "THIS WEEK", "DAY ENDS"}};
  for (const json& one : spent) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const char* key : {"device", "budget", "state", "left", "used_today", "added_today",
                            "used_this_week", "day_ends"}) {
      row.push_back(shown(one, key));
    }
  }
  std::cout << (rows.size() > 1 ? table(rows) : "no device has spent anything\n");
  return kYes;
}

}  // namespace sluice::ctl
