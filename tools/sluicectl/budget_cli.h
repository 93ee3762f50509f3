// The command line of `sluicectl budget`.
//
// Thread safety: one thread.
#pragma once

#include "tools/sluicectl/site_cli.h"

namespace sluice::ctl {

/// `options` and `chosen` must outlive the parsing.
void add_budget(CLI::App& app, BudgetOptions& options, Command& chosen);

}  // namespace sluice::ctl
