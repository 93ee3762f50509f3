// The command line of sluicectl.
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "config/base/plain_output.h"
#include "tools/sluicectl/budget_cli.h"
#include "tools/sluicectl/calendar_command.h"
#include "tools/sluicectl/commands.h"
#include "tools/sluicectl/device_cli.h"
#include "tools/sluicectl/mode_cli.h"
#include "tools/sluicectl/site_cli.h"

namespace sluice::ctl {
namespace {

struct StatsOptions {
  bool all = false;
  bool stages = false;
  double seconds = 1;
};

void add_process_commands(CLI::App& app, StatsOptions& options, Command& chosen) {
  app.add_subcommand("status", "Whether both processes run, and what they do")->callback([&chosen] {
    chosen = show_status;
  });
  CLI::App* stats = app.add_subcommand("stats", "Counters of the dataplane");
  stats->add_flag("--all", options.all, "Those that are zero as well");
  stats->add_flag("--stages", options.stages, "Instead: cycles a frame, by what is done to it");
  stats->add_option("--seconds", options.seconds, "How long to watch the stages")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  stats->callback([&] {
    chosen = [&](const Context& c) {
      return options.stages ? show_stages(c, options.seconds) : show_stats(c, options.all);
    };
  });
}

void add_blocks(CLI::App& app, std::string& id, std::size_t& most, Command& chosen) {
  CLI::App* incident = app.add_subcommand("incident", "One past block, by the id the client saw");
  incident->add_option("id", id, "Eight letters and digits")->required();
  incident->callback([&] { chosen = [&](const Context& c) { return show_incident(c, id); }; });
  CLI::App* events = app.add_subcommand("events", "Past blocks, without who asked for what");
  events->add_option("--last", most, "How many")->capture_default_str();
  events->callback([&] { chosen = [&](const Context& c) { return show_events(c, most); }; });
}

void add_explain(CLI::App& app, ExplainOptions& options, Command& chosen) {
  CLI::App* command = app.add_subcommand("explain", "Why a name is blocked or passes");
  command->add_option("name", options.name, "The domain name")->required();
  command->add_option("--client", options.client, "The device's IP address");
  command->add_option("--mac", options.mac, "The device's MAC address");
  command->add_option("--vlan", options.vlan, "Its VLAN: 100, or 100.7 for outer and inner");
  command->add_option("--port", options.port, "The inside port that it is behind");
  command->add_option("--at", options.at,
                      "At this time instead of now: 2026-12-04T20:30, or 'unknown'");
  command
      ->add_option("--proto", options.protocol,
                   "What the client gets over this protocol only: dns, tls, quic or http")
      ->check(CLI::IsMember({"dns", "tls", "quic", "http"}));
  command->add_option("--generation", options.generation,
                      "Ask this file instead of the running list");
  command->callback([&] { chosen = [&](const Context& c) { return explain_name(c, options); }; });
}

void add_policy(CLI::App& app, PolicyTestOptions& options, Command& chosen) {
  CLI::App* policy = app.add_subcommand("policy", "What devices may reach")->require_subcommand(1);
  CLI::App* test = policy->add_subcommand("test", "Compare a table of expected verdicts");
  test->add_option("file", options.file, "A YAML file of cases")->required();
  test->add_option("--generation", options.generation, "Ask this file instead of the running list");
  test->footer("The policy is that of the configuration, whether or not it is in use yet.");
  test->callback([&] { chosen = [&](const Context& c) { return test_policy(c, options); }; });
}

void add_list(CLI::App* list, ListShowOptions& show, ListCompileOptions& compile, Command& chosen) {
  CLI::App* shown = list->add_subcommand("show", "Print the entries");
  shown->add_option("--generation", show.generation, "Of this file instead of the running list");
  shown->add_option("--under", show.under, "Only this name and those below it");
  shown->callback([&] { chosen = [&](const Context& c) { return show_list(c, show); }; });

  CLI::App* compiled = list->add_subcommand("compile", "Make a generation of plain lists");
  auto* files =
      compiled->add_option("files", compile.files, "Lists: domains, hosts files, UT1 folders");
  auto* base = compiled
                   ->add_option("--base", compile.base,
                                "Change this generation, by an overlay where little changes")
                   ->excludes(files);
  auto* changes = compiled
                      ->add_option("--changes", compile.changes,
                                   "What to change: a file of '+name' and '-name' lines")
                      ->needs(base)
                      ->excludes(files);
  base->needs(changes);
  compiled
      ->add_flag("--verified-base", compile.verified_base,
                 "The base was verified since it was written, as by the dataplane that runs it: do "
                 "not read all of it again")
      ->needs(changes);
  compiled->add_flag("--whole", compile.whole, "Write a whole generation, never an overlay")
      ->needs(changes);
  compiled->add_option("--category", compile.category, "The category of all the names")->required();
  compiled->add_option("-o", compile.output, "The generation file to write")
      ->required()
      ->type_name("GENERATION");
  compiled->add_option("--format", compile.format, "How to read the lists")
      ->check(CLI::IsMember({"auto", "domains", "hosts", "ut1", "adblock", "dnsmasq", "rpz"}))
      ->capture_default_str();
  compiled
      ->add_option("--scope", compile.scope,
                   "tree: a name and all below it; exact: it alone; subs: those below it")
      ->check(CLI::IsMember({"tree", "exact", "subs"}))
      ->capture_default_str();
  compiled->add_option("--generation-number", compile.generation, "The generation's number")
      ->check(CLI::Range(std::uint64_t{0}, generation::kMostGeneration - 1))
      ->capture_default_str();
  compiled->footer("With --config FILE the generation carries the policy of that configuration.");
  compiled->callback([&] {
    if (compile.files.empty() && compile.changes.empty()) {
      throw CLI::RequiredError("files, or --base and --changes");
    }
    chosen = [&](const Context& c) { return compile_list(c, compile); };
  });
}

void add_decisions(CLI::App& list, DecisionOptions& options, Command& chosen) {
  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = list.add_subcommand(name, what);
    command->add_option("--reason", options.reason, "Why, for the log")->required();
    command->add_option("--who", options.who, "Who decides; you, if left out");
    command->callback([&options, &chosen, name] {
      options.command = name;
      chosen = [&options](const Context& c) { return decide(c, options); };
    });
    return command;
  };
  const auto hours = [&](CLI::App* command) {
    command->add_option("--hours", options.hours, "How long it stays")
        ->check(CLI::Range(1, 72))
        ->capture_default_str();
  };
  hours(add("hold", "Stay on the running generation, whatever the authority publishes"));
  CLI::App* back = add("rollback", "Go back to a kept generation, and stay there");
  back->add_option("generation", options.generation, "Its number; the one before, if left out");
  hours(back);
  add("resume", "End a hold or a rollback, and take the newest release");
  add("approve", "Let a release through that a guard holds")
      ->add_option("release", options.release, "As `list generations` names it")
      ->required();
  for (const auto& [name, what] : {std::pair{"pin", "Keep a generation until it is unpinned"},
                                   std::pair{"unpin", "Keep it no longer than others"}}) {
    add(name, what)->add_option("generation", options.generation, "Its number")->required();
  }
  CLI::App* bundle = list.add_subcommand(
      "import-bundle", "Take the lists out of a repository that was carried here as one file");
  bundle->add_option("file", options.bundle, "As sluice-authority bundle wrote it")->required();
  bundle->add_option("--reason", options.reason, "Why, for the log")->default_val("lists by hand");
  bundle->add_option("--who", options.who, "Who does it; you, if left out");
  bundle->callback([&options, &chosen] {
    chosen = [&options](const Context& c) { return import_bundle(c, options); };
  });
  list.add_subcommand("generations", "What can be gone back to, and what waits to be approved")
      ->callback([&chosen] { chosen = show_generations; });
}

void add_diff(CLI::App& list, ListDiffOptions& options, Command& chosen) {
  CLI::App* diff = list.add_subcommand("diff", "What differs between two generations");
  diff->add_option("from", options.from, "Its number, or a file")->required();
  diff->add_option("to", options.to, "The same")->required();
  diff->add_option("--sample", options.sample, "Names of each kind and category")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  diff->callback([&] { chosen = [&](const Context& c) { return diff_lists(c, options); }; });
}

void add_config(CLI::App& app, std::filesystem::path& file, ApplyOptions& options,
                Command& chosen) {
  CLI::App* config = app.add_subcommand("config", "The configuration")->require_subcommand(1);
  CLI::App* check = config->add_subcommand("check", "Report every fault of a configuration");
  check->add_option("file", file, "The YAML file; the configured one if left out");
  check->callback([&] {
    chosen = [&](const Context& c) { return check_config(c, file.empty() ? c.config_file : file); };
  });
  CLI::App* diff = config->add_subcommand("diff", "What another configuration would change");
  diff->add_option("file", file, "The other one")->required();
  diff->callback([&] { chosen = [&](const Context& c) { return diff_config(c, file); }; });

  CLI::App* apply = config->add_subcommand("apply", "Take another configuration into use");
  apply->add_option("file", options.file, "It")->required();
  apply->add_flag("--dry-run", options.dry_run, "Only tell what would change");
  apply->add_option("--test", options.cases, "A table for `policy test`, which must hold");
  apply
      ->add_option("--confirm", options.confirm_minutes,
                   "For so many minutes, unless it is confirmed in time")
      ->check(CLI::Range(1, 1440));
  CLI::App* confirm = config->add_subcommand("confirm", "Keep the configuration that is tried");
  confirm->add_option("file", options.file, "It")->required();
  CLI::App* rollback =
      config->add_subcommand("rollback", "End a trial, or go back to the configuration before");
  for (CLI::App* command : {apply, confirm, rollback}) {
    command->add_option("--reason", options.reason, "Why, for the log");
    command->add_option("--who", options.who, "Who decides; you, if left out");
  }
  apply->callback([&] { chosen = [&](const Context& c) { return apply_config(c, options); }; });
  confirm->callback([&] { chosen = [&](const Context& c) { return confirm_config(c, options); }; });
  rollback->callback(
      [&] { chosen = [&](const Context& c) { return rollback_config(c, options); }; });
  config->add_subcommand("schema", "Print the format as JSON Schema")->callback([&] {
    chosen = [](const Context&) { return print_schema(); };
  });
}

int run(int argc, char** argv) {
  CLI::App app{"sluicectl: ask and check a Sluice gateway", "sluicectl"};
  app.set_version_flag("--version", "sluicectl " SLUICE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand after the command as well
  app.footer("Exit codes: 0 done; 1 the answer is no, or faults were found; 2 could not ask.");

  Context context;
  std::string output = "table";
  app.add_option("-o,--output", output, "How to print")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  const CLI::Option* config =
      app.add_option("--config", context.config_file, "The gateway's configuration")
          ->capture_default_str();

  Command chosen;
  StatsOptions stats;
  std::string incident;
  std::size_t last_events = 20;
  ExplainOptions explain;
  PolicyTestOptions policy_test;
  ListShowOptions show;
  ListCompileOptions compile;
  DecisionOptions decision;
  ListDiffOptions diff;
  SiteOptions site;
  ModeOptions mode;
  BudgetOptions budget;
  std::filesystem::path checked;
  add_process_commands(app, stats, chosen);
  add_blocks(app, incident, last_events, chosen);
  add_explain(app, explain, chosen);
  add_policy(app, policy_test, chosen);
  CLI::App* list = app.add_subcommand("list", "What is listed")->require_subcommand(1);
  add_list(list, show, compile, chosen);
  add_decisions(*list, decision, chosen);
  add_diff(*list, diff, chosen);
  add_site(app, site, chosen);
  add_mode(app, mode, chosen);
  add_budget(app, budget, chosen);
  add_device(app, chosen);
  CalendarImport calendar;
  add_calendar(app, calendar, chosen);
  ApplyOptions apply;
  add_config(app, checked, apply, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kYes : kCouldNotAsk;
  }
  context.json = output == "json";
  context.config_given = config->count() > 0;
  return chosen(context);
}

}  // namespace
}  // namespace sluice::ctl

int main(int argc, char** argv) {
  const sluice::PlainOutput plain;
  try {
    return sluice::ctl::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "sluicectl: " << error.what() << "\n";
    return sluice::ctl::kCouldNotAsk;
  }
}
