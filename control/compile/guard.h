// Sanity of a change before it is activated. A list that shrinks or grows too much is more often an
// accident than a plan, so it is held for a person; the last good generation runs on.
//
// Thread safety: free functions.
#pragma once

#include <filesystem>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "control/compile/delta.h"
#include "control/compile/release.h"
#include "control/compile/rules.h"

namespace sluice::compile {

/// `previous` is the release that runs now. A list's sequence number may not fall: that is a
/// replay, which nobody can approve.
[[nodiscard]] Status check_sequence(const Release& previous, const Release& next);

/// What a person has to look at before `next` may run: lists that become empty or vanish, whatever
/// was signed, and those that change out of bounds without a signed bulk change. The usual bounds,
/// 0.8-1.5 of a list's size from 1,000 entries on, held 0.30 % of all updates over nine years of a
/// real list, a third of them later undone.
[[nodiscard]] std::vector<Error> check_sizes(const Release& previous, const Release& next,
                                             const Rules& rules);

/// Lists that lose more of their names than the rules permit, whatever comes instead. `deltas`: of
/// those that came so; of others both lists are read.
[[nodiscard]] Result<std::vector<Error>> check_churn(const Release& previous, const Release& next,
                                                     const std::vector<ListDelta>& deltas,
                                                     const std::filesystem::path& folder,
                                                     const Rules& rules);

/// Popular names that the authority lists from now on, where they are more than `most`: a release
/// in its first rings is held for a person before it blocks what many use.
[[nodiscard]] std::vector<Error> check_popular(const generation::Generation& before,
                                               const generation::Generation& made,
                                               const Rules& rules, std::uint64_t most);

/// Names that must be listed and are not, or must not be and are.
[[nodiscard]] std::vector<Error> check_probes(const generation::Generation& made,
                                              const Rules& rules);

}  // namespace sluice::compile
