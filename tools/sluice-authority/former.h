// Lists as they were published before: their documents and payloads stay in the repository.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "config/base/result.h"
#include "tools/sluice-authority/draft.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// A list that was published, as a draft; `seq` 0: the one before the present one.
struct FormerList {
  compile::ReleaseList list;
  Draft draft;
};
[[nodiscard]] Result<FormerList> load_former(const Workspace& workspace, const Published& published,
                                             const std::string& department, std::uint64_t seq);

/// The lines of a published list's orders.
[[nodiscard]] Result<std::set<std::string>> published_orders(const Workspace& workspace,
                                                             const compile::ReleaseList& list);

}  // namespace sluice::authority
