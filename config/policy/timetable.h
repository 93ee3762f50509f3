// What each group's policy blocks by the clock, and which policy that is while a mode holds. The
// moments were worked out when the generation was made: here is nothing but looking them up.
//
// Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/policy/group_table.h"
#include "config/policy/policy.h"

namespace sluice::policy {

/// A moment in seconds of Unix time; nullopt where nobody knows the time.
using Moment = std::optional<std::int64_t>;

class Timetable {
 public:
  Timetable() = default;
  Timetable(const PolicySet& set, const GroupTable& groups);

  /// Of a group, and of all groups in the order of GroupTable::groups().
  /// They refer to this timetable, wherever it is moved to.
  [[nodiscard]] Masks masks(std::uint16_t group, Moment moment) const;
  [[nodiscard]] std::vector<Masks> masks(Moment moment) const;

  /// Whose refusals add up for a group at a moment, as indices into PolicySet::policies: its
  /// policy, or that of its mode; those that it stands under; and those that the group's own policy
  /// stands under, for a mode takes that policy's place and nothing of what is above; and layers of
  /// other owners. The same of a device's mode, in the group that the device is in.
  [[nodiscard]] std::vector<std::uint16_t> layers(std::uint16_t group, Moment moment) const;
  /// What one of them blocks by itself.
  [[nodiscard]] CategoryMask blocked_by(std::uint16_t policy, Moment moment) const;

  /// The policy of a group at a moment, as an index into PolicySet::policies, or kNoPolicy.
  [[nodiscard]] std::uint16_t policy(std::uint16_t group, Moment moment) const;
  /// The mode that makes it so; nullptr where there is none.
  [[nodiscard]] const Mode* mode(std::uint16_t group, Moment moment) const;
  [[nodiscard]] const std::vector<Mode>& modes() const { return modes_; }
  /// While nobody knows the time, what has an end goes on only where it keeps nearly all away.
  [[nodiscard]] bool holds(const Mode& mode, Moment moment) const;

  /// A number that stays the same as long as masks() does.
  [[nodiscard]] std::size_t period(Moment moment) const;

  [[nodiscard]] bool has_schedules() const { return !schedules_.empty(); }
  [[nodiscard]] const std::vector<Schedule>& schedules() const { return schedules_; }

  /// Whether the moment lies within what was worked out.
  [[nodiscard]] bool covers(Moment moment) const {
    return moment && *moment >= from_ && *moment < until_;
  }

 private:
  struct Group {
    std::uint16_t policy = ResolvedGroup::kNoPolicy;
    std::uint16_t mode = ResolvedGroup::kNoMode;
    bool is_device = false;
    std::vector<std::uint16_t> layers;  // of ResolvedGroup
    std::size_t only = 0;               // into onlies_
    std::size_t only_in_mode = 0;       // likewise, while the mode is in force
  };
  /// What has to hold of a name that a group with an `only` may reach; nothing where it has none.
  struct Onlies {
    Clause first;
    std::vector<Clause> further;
  };
  [[nodiscard]] CategoryMask blocked_now(const Policy& policy, Moment moment) const;
  [[nodiscard]] std::vector<std::uint16_t> layers_of(const Group& group, const Mode* mode) const;
  [[nodiscard]] std::vector<Clause> clauses_of(const std::vector<std::uint16_t>& policies) const;
  void gather_clauses();
  [[nodiscard]] Masks masks_of(const Policy& policy, Moment moment) const;
  void finish(const Group& group, const Mode* mode, Masks& masks) const;
  [[nodiscard]] const Mode* mode_of(const Group& group, Moment moment) const;
  [[nodiscard]] std::uint16_t policy_of(const Group& group, const Mode* mode) const;

  std::vector<Policy> policies_;
  std::vector<Schedule> schedules_;
  std::vector<Budget> budgets_;
  std::vector<Mode> modes_;
  std::vector<std::uint16_t> mode_policies_;  // of modes_, as indices; kNoPolicy: "normal"
  std::vector<Group> groups_;
  std::vector<Onlies> onlies_;         // equal ones once
  std::vector<std::int64_t> changes_;  // all toggles of all schedules, ascending
  std::vector<std::int64_t> ends_;     // of modes, ascending
  std::int64_t from_ = 0;
  std::int64_t until_ = 0;
};

}  // namespace sluice::policy
