#include "tools/sluicectl/mode_cli.h"

namespace sluice::ctl {

void add_mode(CLI::App& app, ModeOptions& options, Command& chosen) {
  CLI::App* mode = app.add_subcommand("mode", "Another policy for a group or a device, for a while")
                       ->require_subcommand(1);
  const auto add = [&](const char* name, const char* what) {
    CLI::App* command = mode->add_subcommand(name, what);
    command
        ->add_option("subject", options.subject,
                     "A group, 'default' for devices of none, or a device's MAC or IP address")
        ->required();
    command->callback([&options, &chosen, name] {
      options.command = name;
      chosen = [&options](const Context& c) { return change_mode(c, options); };
    });
    return command;
  };
  CLI::App* set = add("set", "Begin one, in place of another");
  set->add_option("mode", options.mode,
                  "pause, study, exam, youth, normal (its own policy), or a policy's name")
      ->required();
  CLI::Option* length = set->add_option("--for", options.length, "So long: 45m, 1h30m, 2d");
  set->add_option("--until", options.until,
                  "Until 20:30, or 2026-12-04T20:30, by the calendar's clock")
      ->excludes(length);
  CLI::App* end = add("end", "End one before its time");
  for (CLI::App* command : {set, end}) {
    command->add_option("--reason", options.reason, "Why, for the log")->required();
    command->add_option("--who", options.who, "Who decides; you, if left out");
  }
  mode->add_subcommand("list", "Who has which, and until when")->callback([&chosen] {
    chosen = show_modes;
  });
}

}  // namespace sluice::ctl
