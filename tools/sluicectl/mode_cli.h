// The command line of `sluicectl mode`.
//
// Thread safety: one thread.
#pragma once

#include "tools/sluicectl/site_cli.h"

namespace sluice::ctl {

/// `options` and `chosen` must outlive the parsing.
void add_mode(CLI::App& app, ModeOptions& options, Command& chosen);

}  // namespace sluice::ctl
