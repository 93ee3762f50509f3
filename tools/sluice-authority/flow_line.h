// The command line of what officials do with each other: propose, approve, withdraw, rollout.
//
// Thread safety: one thread.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/sluice-authority/proposal.h"
#include "tools/sluice-authority/rollout.h"

namespace sluice::authority {

struct FlowOptions {
  OfficialAct act;
  RolloutOptions rollout;
};

/// --by, --key and --reason.
void add_official(CLI::App& command, OfficialAct& act);
/// Adds the commands; they fill `options` and `stage`, which must outlive the parsing.
void add_flow_line(CLI::App& app, FlowOptions& options, StageOptions& stage);
/// --bulk-change and what belongs to it; `reason` is the option by which it is told why.
void add_bulk_options(CLI::App& command, StageOptions& stage, const std::string& reason);
/// Runs the one that was given; nullopt where it was none of these.
[[nodiscard]] std::optional<Status> run_flow_line(const CLI::App& app, const Workspace& workspace,
                                                  const FlowOptions& options,
                                                  const StageOptions& stage);

}  // namespace sluice::authority
