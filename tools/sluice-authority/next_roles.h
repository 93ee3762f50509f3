// Who may sign what comes next: the published root and delegations, or those that are staged to
// replace them.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// "staged/root.json"
[[nodiscard]] std::filesystem::path staged_root(const Workspace& workspace);

/// A signed document as JSON.
[[nodiscard]] Result<tuf::Json> read_signed(const std::filesystem::path& path);

/// The staged root, whoever has signed it so far, where it follows the published one.
[[nodiscard]] Result<tuf::Root> next_root(const Workspace& workspace, const Published& published);
/// The staged targets likewise.
[[nodiscard]] Result<tuf::Targets> next_targets(const Workspace& workspace,
                                                const Published& published);
/// nullptr where these targets delegate to no such department.
[[nodiscard]] const tuf::DelegatedRole* find_role(const tuf::Targets& targets,
                                                  const std::string& department);

/// Whether the staged root has both thresholds, of the keys before it and of its own.
[[nodiscard]] Status check_staged_root(const Workspace& workspace, const Published& published);
/// Publishes the staged root, where there is one.
[[nodiscard]] Status install_root(const Workspace& workspace, std::uint64_t version);

/// Whether each document that a snapshot names is signed as the next root and targets ask for.
[[nodiscard]] Status check_documents(const Workspace& workspace, const tuf::Json& meta,
                                     const tuf::Root& root, const tuf::Targets& targets);

}  // namespace sluice::authority
