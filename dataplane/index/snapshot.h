// Everything that a worker needs to judge: one generation, the index over its names, its policy
// resolved to masks, and a look-up for each lcore. Swapped whole; of what is in it, only the masks
// change, with the time.
//
// Thread safety: lookup(i) belongs to lcore i, set_time() and the other set_ to the control thread;
// now() is written by that and read by the lcores; the rest is constant.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "config/policy/curated.h"
#include "config/policy/group_table.h"
#include "config/policy/safe_search.h"
#include "config/policy/timetable.h"
#include "dataplane/budget/exhausted.h"
#include "dataplane/index/lookup.h"
#include "dataplane/neighbour/table.h"

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
  /// What counting minutes needs.
  struct Budgets {
    std::uint32_t minute = 0;  // its number, for Activity
    std::uint8_t epoch = 0;
    std::shared_ptr<const budget::Exhausted> exhausted;  // may be null

    friend bool operator==(const Budgets&, const Budgets&) = default;
  };
  /// What holds now: for each of groups().groups(), and whether it does for any of them.
  struct MaskTable {
    std::vector<policy::Masks> masks;
    bool any_curated = false;
    std::optional<policy::Claims> curated_claims;  // GroupTable::curated_claims()
    bool any_refuses_unnamed = false;
    bool any_safe_search = false;
    bool any_asks_names = false;  // any_curated or any_safe_search
    Budgets budgets;
    std::shared_ptr<const neighbour::Table> neighbours;  // may be null
  };
  /// The time is unknown until set_time() tells it.
  [[nodiscard]] const MaskTable& now() const { return *now_.load(std::memory_order_acquire); }
  [[nodiscard]] const policy::Timetable& timetable() const { return timetable_; }
  [[nodiscard]] const policy::CuratedNames& curated() const { return curated_; }
  [[nodiscard]] const policy::SafeSearchNames& safe_search() const { return safe_search_; }
  [[nodiscard]] const policy::PolicySet& policy() const { return policy_; }
  /// Those in which minutes are spent under a name of these categories, a bit each.
  [[nodiscard]] std::uint32_t budgets_of(policy::CategoryMask categories) const {
    std::uint32_t budgets = 0;
    for (std::size_t i = 0; i < policy_.budgets.size(); ++i) {
      if ((policy_.budgets[i].categories & categories) != 0) budgets |= std::uint32_t{1} << i;
    }
    return budgets;
  }

  /// The other way round: in which minutes of these budgets are spent.
  [[nodiscard]] policy::CategoryMask categories_of(std::uint32_t budgets) const {
    policy::CategoryMask categories = 0;
    for (std::size_t i = 0; i < policy_.budgets.size(); ++i) {
      if ((budgets >> i & 1) != 0) categories |= policy_.budgets[i].categories;
    }
    return categories;
  }

  /// Lets the masks of a moment be those from the next burst on. Returns the ones before, which
  /// lcores may still read until each has been quiescent; nullptr where nothing changes.
  [[nodiscard]] std::unique_ptr<const MaskTable> set_time(policy::Moment moment) const;
  /// To be told to the lcores by the next set_time().
  void set_budgets(const Budgets& budgets) const;
  void set_neighbours(std::shared_ptr<const neighbour::Table> neighbours) const;

  [[nodiscard]] const SuffixIndex& index() const { return *index_; }
  [[nodiscard]] const Lookup& lookup(unsigned lcore) const { return lookups_[lcore]; }

 private:
  Snapshot() = default;
  [[nodiscard]] std::unique_ptr<const MaskTable> table_at(policy::Moment moment) const;
  std::shared_ptr<const generation::Generation> generation_;  // outlives what is below
  policy::GroupTable groups_;
  policy::Timetable timetable_;
  policy::PolicySet policy_;
  mutable std::size_t period_ = 0;
  mutable Budgets budgets_;
  mutable std::shared_ptr<const neighbour::Table> neighbours_;
  mutable bool told_changed_ = false;  // budgets_ or neighbours_
  mutable std::unique_ptr<const MaskTable> mask_table_;
  mutable std::atomic<const MaskTable*> now_{nullptr};
  policy::CuratedNames curated_;
  policy::SafeSearchNames safe_search_;
  std::unique_ptr<const SuffixIndex> index_;
  std::vector<Lookup> lookups_;
};

}  // namespace sluice::index
