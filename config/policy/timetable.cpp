#include "config/policy/timetable.h"

#include <algorithm>

namespace sluice::policy {
namespace {

void sort_unique(std::vector<std::int64_t>& moments) {
  std::sort(moments.begin(), moments.end());
  moments.erase(std::unique(moments.begin(), moments.end()), moments.end());
}

std::size_t passed(const std::vector<std::int64_t>& moments, std::int64_t moment) {
  return static_cast<std::size_t>(std::upper_bound(moments.begin(), moments.end(), moment) -
                                  moments.begin());
}

}  // namespace

Timetable::Timetable(const PolicySet& set, const GroupTable& groups)
    : policies_(set.policies),
      schedules_(set.schedules),
      budgets_(set.budgets),
      modes_(set.modes),
      from_(set.schedules_from),
      until_(set.schedules_until) {
  for (const ResolvedGroup& group : groups.groups()) {
    groups_.push_back({group.policy_index, group.mode, group.is_device, group.layers});
  }
  for (const Schedule& schedule : schedules_) {
    changes_.insert(changes_.end(), schedule.toggles.begin(), schedule.toggles.end());
  }
  for (const Mode& mode : modes_) {
    const auto by = std::find_if(policies_.begin(), policies_.end(),
                                 [&](const Policy& one) { return one.name == mode.policy; });
    mode_policies_.push_back(by == policies_.end()
                                 ? ResolvedGroup::kNoPolicy
                                 : static_cast<std::uint16_t>(by - policies_.begin()));
    if (mode.until != 0) ends_.push_back(mode.until);
  }
  for (std::size_t i = 0; i < set.curated.size(); ++i) {
    std::uint64_t parts = set.curated[i].all_of.empty() ? std::uint64_t{1} << i : 0;
    for (const std::uint16_t one : set.curated[i].all_of) parts |= std::uint64_t{1} << one;
    parts_.push_back(parts);
  }
  sort_unique(changes_);
  sort_unique(ends_);
}

std::vector<std::uint16_t> Timetable::layers_of(const Group& group, Moment moment) const {
  std::vector<std::uint16_t> out;
  const auto add = [&](std::uint16_t policy) {
    for (; policy != Policy::kNone; policy = policies_[policy].under) {
      if (std::find(out.begin(), out.end(), policy) == out.end()) out.push_back(policy);
    }
  };
  static_assert(Policy::kNone == ResolvedGroup::kNoPolicy);
  add(policy_of(group, mode_of(group, moment)));
  if (!group.is_device && group.policy != ResolvedGroup::kNoPolicy) {
    add(policies_[group.policy].under);
  }
  for (const std::uint16_t layer : group.layers) add(layer);
  return out;
}

std::vector<std::uint16_t> Timetable::layers(std::uint16_t group, Moment moment) const {
  return layers_of(groups_[group], moment);
}

CategoryMask Timetable::blocked_by(std::uint16_t policy, Moment moment) const {
  return policies_[policy].blocked | blocked_now(policies_[policy], moment);
}

bool Timetable::holds(const Mode& mode, Moment moment) const {
  if (mode.until == 0) return true;
  if (moment) return *moment < mode.until;
  const std::uint16_t by = mode_policies_[static_cast<std::size_t>(&mode - modes_.data())];
  return by != ResolvedGroup::kNoPolicy && policies_[by].only.has_value();
}

const Mode* Timetable::mode_of(const Group& group, Moment moment) const {
  if (group.mode == ResolvedGroup::kNoMode) return nullptr;
  const Mode& mode = modes_[group.mode];
  return holds(mode, moment) ? &mode : nullptr;
}

std::uint16_t Timetable::policy_of(const Group& group, const Mode* mode) const {
  if (mode == nullptr || mode->policy.empty()) return group.policy;
  return mode_policies_[static_cast<std::size_t>(mode - modes_.data())];
}

const Mode* Timetable::mode(std::uint16_t group, Moment moment) const {
  return mode_of(groups_[group], moment);
}

std::uint16_t Timetable::policy(std::uint16_t group, Moment moment) const {
  return policy_of(groups_[group], mode(group, moment));
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

Masks Timetable::masks_of(const Policy& policy, Moment moment) const {
  Masks masks{.blocked = policy.blocked | blocked_now(policy, moment),
              .watched = policy.watched,
              .strict = policy.strict,
              .withhold_ech = policy.withhold_ech,
              .refuse_encrypted_dns = policy.refuse_encrypted_dns,
              .safe_search = policy.safe_search};
  for (const Hours& hours : policy.hours) {
    if (hours.cut) masks.cut |= hours.categories;
  }
  masks.budgets = policy.budgets;
  for (std::size_t i = 0; i < budgets_.size(); ++i) {
    if ((policy.budgets >> i & 1) != 0) masks.budgeted |= budgets_[i].categories;
  }
  if (policy.only) {
    masks.curated = true;
    masks.lists = policy.only->lists;
    masks.categories = policy.only->categories;
    masks.refuse_unnamed = policy.only->refuse_unnamed;
  }
  return masks;
}

/// The lists whose names each of the policies lets through that lets others not.
std::uint64_t Timetable::common_lists(const std::vector<std::uint16_t>& policies) const {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const bool by_all = std::all_of(policies.begin(), policies.end(), [&](std::uint16_t policy) {
      const auto& only = policies_[policy].only;
      return !only || (only->lists & parts_[i]) != 0;
    });
    if (by_all) out |= std::uint64_t{1} << i;
  }
  return out;
}

void Timetable::finish(const Group& group, const std::vector<std::uint16_t>& policies,
                       Moment moment, Masks& masks) const {
  if (masks.curated) masks.lists = common_lists(policies);
  const Mode* const mode = mode_of(group, moment);
  masks.paused = mode != nullptr && mode->word == kPause;
  masks.in_force = !group.is_device || mode != nullptr;
}

Masks Timetable::masks(std::uint16_t group, Moment moment) const {
  Masks masks;
  const auto by = layers(group, moment);
  for (const std::uint16_t one : by) masks = tightened(masks, masks_of(policies_[one], moment));
  finish(groups_[group], by, moment, masks);
  return masks;
}

std::vector<Masks> Timetable::masks(Moment moment) const {
  std::vector<Masks> of_policies;
  of_policies.reserve(policies_.size());
  for (const Policy& policy : policies_) of_policies.push_back(masks_of(policy, moment));
  std::vector<Masks> out;
  out.reserve(groups_.size());
  for (const Group& group : groups_) {
    out.emplace_back();
    const auto by = layers_of(group, moment);
    for (const std::uint16_t one : by) out.back() = tightened(out.back(), of_policies[one]);
    finish(group, by, moment, out.back());
  }
  return out;
}

std::size_t Timetable::period(Moment moment) const {
  const std::size_t by_modes = moment && !ends_.empty() ? 1 + passed(ends_, *moment) : 0;
  const std::size_t by_schedules = covers(moment) ? 1 + passed(changes_, *moment) : 0;
  return by_schedules * (ends_.size() + 2) + by_modes;
}

}  // namespace sluice::policy
