// The command line of `sluice-authority key`, and the options by which any command gets
// passphrases.
//
// Thread safety: one thread.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/sluice-authority/key_commands.h"

namespace sluice::authority {

/// --passphrase-file and --passphrase-fd.
void add_passphrase_options(CLI::App& app, PassphraseSource& source);
/// Adds the command and those below it; they fill `options`, which must outlive the parsing.
void add_key_line(CLI::App& app, KeyOptions& options);
/// Runs the one that was given.
[[nodiscard]] Status run_key_line(const CLI::App& app, const KeyOptions& options);

}  // namespace sluice::authority
