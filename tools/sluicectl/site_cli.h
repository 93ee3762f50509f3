// The command line of `sluicectl site`.
//
// Thread safety: one thread.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {

using Command = std::function<int(const Context&)>;

/// `options` and `chosen` must outlive the parsing.
void add_site(CLI::App& app, SiteOptions& options, Command& chosen);

}  // namespace sluice::ctl
