#include "tools/sluicectl/site_cli.h"

namespace sluice::ctl {

void add_site(CLI::App& app, SiteOptions& options, Command& chosen) {
  CLI::App* site = app.add_subcommand("site", "The site's own lists, which no update changes")
                       ->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, const char* of) {
    CLI::App* command = site->add_subcommand(name, what);
    command->add_option("name", options.name, of)->required();
    command->add_option("--reason", options.reason, "Why, for the log")->required();
    command->add_option("--who", options.who, "Who decides; you, if left out");
    command->callback([&options, &chosen, name] {
      options.command = name;
      chosen = [&options](const Context& c) { return change_site(c, options); };
    });
    return command;
  };
  const auto scope = [&](CLI::App* command) {
    command
        ->add_option("--scope", options.scope,
                     "tree: the name and all below it; exact: it alone; subs: those below it")
        ->check(CLI::IsMember({"tree", "exact", "subs"}));
  };
  CLI::App* allow = add("allow", "Let a name through that a list blocks", "The domain name");
  allow->add_option("--until", options.until, "The day on which it ends, as 2027-01-31, or a moment")
      ->required();
  allow->add_option("--category", options.categories,
                    "What it is allowed in spite of; the categories that it is listed in now, if "
                    "left out");
  scope(allow);
  CLI::App* block = add("block", "Block a name", "The domain name");
  block->add_option("--category", options.categories, "The category that policies block it by")
      ->required();
  block->add_option("--until", options.until, "The day on which it ends, or a moment");
  scope(block);
  add("remove", "Take back what was allowed or blocked", "The domain name");
  add("approve", "Take a subscription's list that a guard holds", "The subscription");
  site->add_subcommand("list", "What the site allows, blocks and subscribes to")
      ->callback([&chosen] { chosen = show_site; });
}

}  // namespace sluice::ctl
