#include "tools/sluicectl/budget_cli.h"

namespace sluice::ctl {

void add_budget(CLI::App& app, BudgetOptions& options, Command& chosen) {
  CLI::App* budget = app.add_subcommand("budget", "Minutes that devices may spend, and have spent")
                         ->require_subcommand(1);
  CLI::App* list = budget->add_subcommand("list", "What devices have spent and have left");
  list->add_option("--device", options.device, "Of this one, as the list names it");
  list->callback([&] { chosen = [&](const Context& c) { return show_budgets(c, options); }; });

  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = budget->add_subcommand(name, what);
    command->add_option("device", options.device, "Its MAC or IP address, as the list names it")
        ->required();
    command->callback([&options, &chosen, name] {
      options.command = name;
      chosen = [&options](const Context& c) { return change_budget(c, options); };
    });
    return command;
  };
  CLI::App* more = add("add", "Give a device more minutes for today");
  more->add_option("budget", options.budget, "Of which budget")->required();
  more->add_option("minutes", options.minutes, "How many")->required()->check(CLI::Range(1, 1440));
  CLI::App* reset = add("reset", "As if a device had spent nothing, today and this week");
  reset->add_option("budget", options.budget, "Of which budget; of all of the site, if left out");
  for (CLI::App* command : {more, reset}) {
    command->add_option("--reason", options.reason, "Why, for the log")->required();
    command->add_option("--who", options.who, "Who decides; you, if left out");
  }
}

}  // namespace sluice::ctl
