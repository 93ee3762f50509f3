#include "config/policy/timetable.h"

#include <algorithm>

namespace sluice::policy {

Timetable::Timetable(const PolicySet& set, const GroupTable& groups)
    : policies_(set.policies),
      schedules_(set.schedules),
      from_(set.schedules_from),
      until_(set.schedules_until) {
  for (const ResolvedGroup& group : groups.groups()) {
    groups_.push_back({{group.blocked, group.watched}, group.policy_index});
  }
  for (const Schedule& schedule : schedules_) {
    changes_.insert(changes_.end(), schedule.toggles.begin(), schedule.toggles.end());
  }
  std::sort(changes_.begin(), changes_.end());
  changes_.erase(std::unique(changes_.begin(), changes_.end()), changes_.end());
}

CategoryMask Timetable::blocked_now(const Policy& policy, Moment moment) const {
  CategoryMask mask = 0;
  for (const Hours& hours : policy.hours) {
    const bool blocks = covers(moment)
                            ? schedules_[hours.schedule].holds(*moment) != hours.only_during
                            : policy.block_when_time_unknown;
    if (blocks) mask |= hours.categories;
  }
  return mask;
}

Masks Timetable::masks(std::uint16_t group, Moment moment) const {
  Masks masks = groups_[group].always;
  if (groups_[group].policy != ResolvedGroup::kNoPolicy) {
    masks.blocked |= blocked_now(policies_[groups_[group].policy], moment);
  }
  return masks;
}

std::vector<Masks> Timetable::masks(Moment moment) const {
  std::vector<CategoryMask> blocked;
  blocked.reserve(policies_.size());
  for (const Policy& policy : policies_) blocked.push_back(blocked_now(policy, moment));
  std::vector<Masks> out;
  out.reserve(groups_.size());
  for (const Group& group : groups_) {
    out.push_back(group.always);
    if (group.policy != ResolvedGroup::kNoPolicy) out.back().blocked |= blocked[group.policy];
  }
  return out;
}

std::size_t Timetable::period(Moment moment) const {
  if (!covers(moment)) return 0;
  const auto passed = std::upper_bound(changes_.begin(), changes_.end(), *moment);
  return 1 + static_cast<std::size_t>(passed - changes_.begin());
}

}  // namespace sluice::policy
