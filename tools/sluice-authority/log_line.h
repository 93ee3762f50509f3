// The command line of `sluice-authority log`.
//
// Thread safety: one thread.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/sluice-authority/log_commands.h"

namespace sluice::authority {

/// Adds the command and those below it; they fill `options`, which must outlive the parsing.
void add_log_line(CLI::App& app, LogOptions& options);
/// Runs the one that was given. `dir` is the authority's folder, where one is asked for.
[[nodiscard]] Status run_log_line(const CLI::App& app, const LogOptions& options,
                                  const std::filesystem::path& dir);

}  // namespace sluice::authority
