// The rules by which appliances guard all lists, signed by the top role: what lies in policy/ as
// guards.yaml, taxonomy.yaml, and as plain lists protected.txt and popular.txt.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <filesystem>
#include <optional>

#include "config/base/result.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/stage.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// Builds the next document of the role targets with these files and these delegations, or those
/// that are staged or published, and signs it, or adds signatures to what is staged already with
/// the same content. Refuses rules that an appliance would refuse.
[[nodiscard]] Result<Staged> stage_policy(const Workspace& workspace, const Published& published,
                                          const StageOptions& options,
                                          std::optional<tuf::Json> delegations = {});

/// "staged/targets.json"
[[nodiscard]] std::filesystem::path staged_policy(const Workspace& workspace);

}  // namespace sluice::authority
