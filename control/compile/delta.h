// From the generation of one release to that of the next, by the changes between their lists: what
// compile() of the later release would say, for the price of the changes.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/generation/delta_writer.h"
#include "control/compile/compile.h"

namespace sluice::compile {

/// The changes to one list, a CPD file.
struct ListDelta {
  std::string department;
  std::filesystem::path file;
  std::string label;  // that errors name it by
};

struct DeltaInput {
  std::shared_ptr<const generation::Generation> base;  // compiled of `before`
  const Release* before = nullptr;
  const Release* after = nullptr;
  std::vector<ListDelta> deltas;    // of each list whose content differs
  std::filesystem::path lists_dir;  // the orders of both releases
  std::string policy_json;
  tuf::Time now{};
  std::uint64_t generation = 0;
  std::filesystem::path output;
};

struct DeltaCompiled {
  generation::DeltaSummary summary;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
};

/// Fails, leaving no file, where changes cannot tell all: the base is of another release or time,
/// orders that were there have changed, departments came or went, or a line contradicts the base.
/// Then the release has to be compiled as a whole. That the changes lead to the list that was
/// signed is for apply_cpd() to find out before.
[[nodiscard]] Result<DeltaCompiled> compile_delta(const DeltaInput& input);

}  // namespace sluice::compile
