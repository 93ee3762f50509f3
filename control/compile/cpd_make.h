// Makes CPD files: from two lists, as the authority does, and from a chain of steps, as both sides
// do, so that however many steps there are, the list itself is read once.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/compile/release.h"

namespace sluice::compile {

/// A chain of more changes is not worth the memory that composing it takes.
inline constexpr std::uint64_t kMaxChainChanges = 200'000;

/// The lines of a CPD after its header, and how many of them come and go.
struct ListChanges {
  std::string lines;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
};

[[nodiscard]] std::string cpd_text(const ReleaseList& before, const ReleaseList& after,
                                   const ListChanges& changes);

/// From the list `before` in its packed file to the lines of a later one. Fails where the file does
/// not hold what was signed.
[[nodiscard]] Result<ListChanges> diff_lists(const ReleaseList& before,
                                             const std::filesystem::path& file,
                                             std::string_view after_lines);

/// How many names a CPD takes off the list; one that comes again under another order stays.
[[nodiscard]] Result<std::uint64_t> count_removed(const ReleaseList& before,
                                                  const ReleaseList& after,
                                                  const std::filesystem::path& cpd);
/// The same of two full lists in the folder of retained ones.
[[nodiscard]] Result<std::uint64_t> count_removed_between(const ReleaseList& before,
                                                          const ReleaseList& after,
                                                          const std::filesystem::path& folder);

struct CpdStep {
  DeltaFile delta;
  std::filesystem::path file;
};

/// What steps say together, each of which begins where the one before ends. `before` is the list
/// that the first one changes. What they lead to is for apply_cpd() to check.
[[nodiscard]] Result<ListChanges> compose_steps(const ReleaseList& before,
                                                std::span<const CpdStep> steps);

/// The cheapest way of deltas from one list to the next, by their signed lengths; none where there
/// is no way, or where the full list is shorter.
[[nodiscard]] std::vector<DeltaFile> choose_deltas(const ReleaseList& before,
                                                   const ReleaseList& after);

}  // namespace sluice::compile
