// What an official looks at before the second signature: the staged list itself, not the draft.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include "config/base/result.h"
#include "control/compile/release.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// The list that a staged document signs.
[[nodiscard]] Result<compile::ReleaseList> staged_list(const tuf::Targets& targets,
                                                       const std::string& department);
/// Whether all files that the document signs are there, as it signs them.
[[nodiscard]] Status check_payloads(const Workspace& workspace, const tuf::Targets& targets);
/// Prints what the staged list changes, and the first names of it.
[[nodiscard]] Status tell_changes(const Workspace& workspace, const Published& published,
                                  const compile::ReleaseList& after);

}  // namespace sluice::authority
