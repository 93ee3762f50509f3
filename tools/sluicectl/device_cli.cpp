#include "tools/sluicectl/device_cli.h"

namespace sluice::ctl {

void add_device(CLI::App& app, Command& chosen) {
  CLI::App* device =
      app.add_subcommand("device", "Devices that groups and modes name by an address")
          ->require_subcommand(1);
  CLI::App* list = device->add_subcommand(
      "list", "Which device holds each such address, so that its others are taken for that one");
  list->callback([&] { chosen = show_devices; });
}

}  // namespace sluice::ctl
