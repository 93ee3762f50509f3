// The deltas that a department's role signs beside its full list: each of the last steps, and one
// over all of them for appliances that were away. They are made when the list is staged, because
// they are part of what the officials sign.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/compile/release.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

inline constexpr std::uint64_t kKeptSteps = 30;

struct Deltas {
  tuf::Json targets = tuf::Json::object();      // by path, as they are signed
  std::map<std::string, std::string> payloads;  // the new ones by path, packed
  std::string report;                           // ", and a delta of 3 changes, 150 octets"
  std::string changes;                          // what the new list changes, as lines of a CPD
};

/// Those of the list that follows `before`; `names` are the lines of `after`. What cannot be made
/// is left out and told: a full list is never held up by a delta.
[[nodiscard]] Deltas make_deltas(const Workspace& workspace, const tuf::Targets& published,
                                 const compile::ReleaseList& before,
                                 const compile::ReleaseList& after, std::string_view names);

/// Those that are published, where the list stays as it is.
[[nodiscard]] Deltas keep_deltas(const tuf::Targets& published, const compile::ReleaseList& list);

}  // namespace sluice::authority
