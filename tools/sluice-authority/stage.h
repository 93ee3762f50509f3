// Between a draft and the repository: a department's payloads and its role's document, signed by
// its officials, one after the other if they like, and not yet published.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/release.h"
#include "control/tuf/key.h"
#include "tools/sluice-authority/draft.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct StageOptions {
  std::vector<std::filesystem::path> keys;  // empty: all local keys of the role
  bool renew = false;                       // sign anew though nothing changed
  std::string bulk_order;                   // a planned mass change; empty: none
  std::string bulk_reason;
  std::string min_ratio;
  std::string max_ratio;
};

struct Staged {
  std::uint64_t version = 0;
  std::uint64_t seq = 0;
  std::uint64_t entries = 0;
  unsigned signatures = 0;
  std::uint64_t threshold = 0;
  std::string delta;  // ", and …": what a delta from the list before comes to
};

/// Whether a draft says something else than what is published.
[[nodiscard]] bool differs(const Draft& draft, const Published& published);

/// Builds and signs, or adds signatures to what is staged already with the same content. nullopt
/// where there is nothing to sign.
[[nodiscard]] Result<std::optional<Staged>> stage(const Workspace& workspace, const Draft& draft,
                                                  const Published& published,
                                                  const StageOptions& options);

/// "staged/list-police.json"; payloads lie beside it under their remote names.
[[nodiscard]] std::filesystem::path staged_document(const Workspace& workspace,
                                                    const std::string& department);

}  // namespace sluice::authority
