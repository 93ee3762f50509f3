// The list files of a release, brought into the folder of retained lists: as a whole, or made of
// those in use by signed deltas where that is less to fetch. Whatever is wrong with a delta, the
// full list is fetched instead, and the reason is told.
//
// Thread safety: free functions; one thread works in a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/delta.h"
#include "control/compile/release.h"
#include "control/sync/fetcher.h"

namespace sluice::sync {

/// How one list that changed was brought.
struct Brought {
  std::string department;
  std::uint64_t octets = 0;  // fetched of it
  std::size_t steps = 0;     // of deltas; 0: the full list was fetched
  std::string refused;       // why deltas that could be chosen were not used
  compile::ListDelta delta;  // what changed; where steps is not 0
};

/// Brings the files of the top role, by which the lists are guarded.
[[nodiscard]] Status bring_policy(Fetcher& fetcher, const compile::Release& release,
                                  const std::filesystem::path& folder);

/// Brings the lists of `release`. Its lists learn of the files that deltas have made. `previous` is
/// the release whose files are in the folder, or null.
[[nodiscard]] Result<std::vector<Brought>> bring_lists(Fetcher& fetcher, compile::Release& release,
                                                       const compile::Release* previous,
                                                       const std::filesystem::path& folder);

/// Lists with the content of those in use keep the files that deltas have made for these.
void keep_made_files(compile::Release& release, const compile::Release& previous);

}  // namespace sluice::sync
