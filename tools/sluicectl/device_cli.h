// `sluicectl device`.
//
// Thread safety: the process's only thread.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {

void add_device(CLI::App& app, Command& chosen);

}  // namespace sluice::ctl
