// The command line of `sluice-authority role`.
//
// Thread safety: one thread.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/sluice-authority/roles.h"

namespace sluice::authority {

/// Adds the command and those below it; they fill `change`, which must outlive the parsing.
void add_role_line(CLI::App& app, RoleChange& change);
/// Runs the one that was given.
[[nodiscard]] Status run_role_line(const CLI::App& app, const Workspace& workspace,
                                   RoleChange change);

}  // namespace sluice::authority
