// Everything that a worker needs to judge: one generation, the index over its names, its policy
// resolved to masks, and a look-up for each lcore. Immutable; swapped whole.
//
// Thread safety: lookup(i) belongs to lcore i; the rest is constant.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "config/policy/group_table.h"
#include "dataplane/index/lookup.h"

namespace sluice::index {

class Snapshot {
 public:
  /// `fallback` is the policy for a generation that carries none; `inside_ports` are the ports'
  /// names in the order of policy::Client::port. `running`: a snapshot whose index may serve to
  /// make this one's, where both generations are of one base; or nullptr.
  [[nodiscard]] static Result<std::unique_ptr<const Snapshot>> build(
      std::shared_ptr<const generation::Generation> generation, const policy::PolicySet& fallback,
      std::span<const std::string> inside_ports, unsigned lcores,
      const Snapshot* running = nullptr);

  [[nodiscard]] const generation::Generation& generation() const { return *generation_; }
  [[nodiscard]] const std::shared_ptr<const generation::Generation>& shared_generation() const {
    return generation_;
  }
  [[nodiscard]] const policy::GroupTable& groups() const { return groups_; }
  [[nodiscard]] const SuffixIndex& index() const { return *index_; }
  [[nodiscard]] const Lookup& lookup(unsigned lcore) const { return lookups_[lcore]; }

 private:
  Snapshot() = default;
  std::shared_ptr<const generation::Generation> generation_;  // outlives what is below
  policy::GroupTable groups_;
  std::unique_ptr<const SuffixIndex> index_;
  std::vector<Lookup> lookups_;
};

}  // namespace sluice::index
