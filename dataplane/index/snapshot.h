// Everything that a worker needs to judge: one generation, the index over its names, its policy
// resolved to masks, and a look-up for each lcore. Swapped whole; of what is in it, only the masks
// change, with the time.
//
// Thread safety: lookup(i) belongs to lcore i, set_time() to the control thread; now() is written
// by that and read by the lcores; the rest is constant.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "config/policy/curated.h"
#include "config/policy/group_table.h"
#include "config/policy/timetable.h"
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
  /// What holds now: for each of groups().groups(), and whether it does for any of them.
  struct MaskTable {
    std::vector<policy::Masks> masks;
    bool any_curated = false;
    bool any_refuses_unnamed = false;
  };
  /// The time is unknown until set_time() tells it.
  [[nodiscard]] const MaskTable& now() const { return *now_.load(std::memory_order_acquire); }
  [[nodiscard]] const policy::Timetable& timetable() const { return timetable_; }
  [[nodiscard]] const policy::CuratedNames& curated() const { return curated_; }

  /// Lets the masks of a moment be those from the next burst on. Returns the ones before, which
  /// lcores may still read until each has been quiescent; nullptr where nothing changes.
  [[nodiscard]] std::unique_ptr<const MaskTable> set_time(policy::Moment moment) const;

  [[nodiscard]] const SuffixIndex& index() const { return *index_; }
  [[nodiscard]] const Lookup& lookup(unsigned lcore) const { return lookups_[lcore]; }

 private:
  Snapshot() = default;
  [[nodiscard]] std::unique_ptr<const MaskTable> table_at(policy::Moment moment) const;
  std::shared_ptr<const generation::Generation> generation_;  // outlives what is below
  policy::GroupTable groups_;
  policy::Timetable timetable_;
  mutable std::size_t period_ = 0;
  mutable std::unique_ptr<const MaskTable> mask_table_;
  mutable std::atomic<const MaskTable*> now_{nullptr};
  policy::CuratedNames curated_;
  std::unique_ptr<const SuffixIndex> index_;
  std::vector<Lookup> lookups_;
};

}  // namespace sluice::index
