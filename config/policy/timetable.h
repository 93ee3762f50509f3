// What each group's policy blocks by the clock. The moments were worked out when the generation was
// made: here is nothing but looking them up.
//
// Thread safety: immutable once built.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "config/policy/group_table.h"
#include "config/policy/policy.h"

namespace sluice::policy {

/// What a group blocks and watches at one moment.
struct Masks {
  CategoryMask blocked = 0;
  CategoryMask watched = 0;

  friend bool operator==(const Masks&, const Masks&) = default;
};

/// A moment in seconds of Unix time; nullopt where nobody knows the time.
using Moment = std::optional<std::int64_t>;

class Timetable {
 public:
  Timetable() = default;
  Timetable(const PolicySet& set, const GroupTable& groups);

  /// Of a group, and of all groups in the order of GroupTable::groups().
  [[nodiscard]] Masks masks(std::uint16_t group, Moment moment) const;
  [[nodiscard]] std::vector<Masks> masks(Moment moment) const;

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
    Masks always;
    std::uint16_t policy = ResolvedGroup::kNoPolicy;
  };
  [[nodiscard]] CategoryMask blocked_now(const Policy& policy, Moment moment) const;

  std::vector<Policy> policies_;
  std::vector<Schedule> schedules_;
  std::vector<Group> groups_;
  std::vector<std::int64_t> changes_;  // all toggles of all schedules, ascending
  std::int64_t from_ = 0;
  std::int64_t until_ = 0;
};

}  // namespace sluice::policy
