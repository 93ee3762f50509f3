// Sanity of a change before it is activated. A list that shrinks or grows too much is more often an
// accident than a plan, so it is held for a person; the last good generation runs on.
//
// Thread safety: free functions.
#pragma once

#include <vector>

#include "config/base/result.h"
#include "control/compile/release.h"

namespace sluice::compile {

/// Lists from this size on may change to 0.8-1.5 of it without a signed bulk change: over nine
/// years of a real list that held 0.30 % of all updates, a third of them later undone.
inline constexpr std::uint64_t kGuardedEntries = 1000;
inline constexpr std::uint64_t kMinRatioPercent = 80;
inline constexpr std::uint64_t kMaxRatioPercent = 150;

/// `previous` is the release that runs now. A list's sequence number may not fall: that is a
/// replay, which nobody can approve.
[[nodiscard]] Status check_sequence(const Release& previous, const Release& next);

/// What a person has to look at before `next` may run: lists that become empty or vanish, whatever
/// was signed, and those that change out of bounds without a signed bulk change.
[[nodiscard]] std::vector<Error> check_sizes(const Release& previous, const Release& next);

}  // namespace sluice::compile
