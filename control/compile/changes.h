// Changes to a list, as text, applied to a generation: "+name" lists a name that was not listed,
// "-name" takes one off that was. Comments begin with '#'; empty lines count for nothing.
//
// A change that was made already, or that is about a name that is not there, says that the base is
// not what its author believed, so it is an error, and nothing is written.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "config/generation/delta_writer.h"
#include "control/compile/plain_list.h"

namespace sluice::compile {

struct ChangesCompiled {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  generation::DeltaSummary summary;
};

/// The names of `changes` are of the one list that compile_plain_lists() with the same category,
/// layer and provenance makes; entries of others stay. Without options.policy_json the base's
/// policy stays. `whole`: never an overlay.
[[nodiscard]] Result<ChangesCompiled> compile_changes(
    std::shared_ptr<const generation::Generation> base, const std::filesystem::path& changes,
    std::string_view category, const std::filesystem::path& output,
    const PlainOptions& options = {}, bool whole = false);

}  // namespace sluice::compile
