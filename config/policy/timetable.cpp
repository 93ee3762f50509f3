#include "config/policy/timetable.h"

#include <algorithm>
#include <map>

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

/// Whether all that the one lets through, the other does as well.
bool is_within(const Clause& one, const Clause& other) {
  return (one.lists & ~other.lists) == 0 && (one.categories & ~other.categories) == 0;
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
    groups_.push_back({.policy = group.policy_index,
                       .mode = group.mode,
                       .is_device = group.is_device,
                       .layers = group.layers});
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
  sort_unique(changes_);
  sort_unique(ends_);
  gather_clauses();
}

/// Which of them meet over a group hangs on its mode alone, and on no moment.
void Timetable::gather_clauses() {
  std::map<std::vector<Clause>, std::size_t> known;
  const auto place_of = [&](const Group& group, const Mode* mode) {
    const std::vector<Clause> clauses = clauses_of(layers_of(group, mode));
    const auto [at, fresh] = known.emplace(clauses, onlies_.size());
    if (fresh) {
      onlies_.emplace_back();
      if (!clauses.empty()) {
        onlies_.back() = {clauses.front(), {clauses.begin() + 1, clauses.end()}};
      }
    }
    return at->second;
  };
  for (Group& group : groups_) {
    group.only = place_of(group, nullptr);
    const bool may_have = group.mode != ResolvedGroup::kNoMode;
    group.only_in_mode = may_have ? place_of(group, &modes_[group.mode]) : group.only;
  }
}

/// Those of an `only` each, but for what another one says as well: most policies under one with an
/// `only` name fewer of its lists.
std::vector<Clause> Timetable::clauses_of(const std::vector<std::uint16_t>& policies) const {
  std::vector<Clause> out;
  for (const std::uint16_t policy : policies) {
    const auto& only = policies_[policy].only;
    if (!only) continue;
    const Clause clause{only->lists, only->categories};
    const auto told = [&](const Clause& one) { return is_within(one, clause); };
    if (std::any_of(out.begin(), out.end(), told)) continue;
    std::erase_if(out, [&](const Clause& one) { return is_within(clause, one); });
    out.push_back(clause);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::uint16_t> Timetable::layers_of(const Group& group, const Mode* mode) const {
  std::vector<std::uint16_t> out;
  const auto add = [&](std::uint16_t policy) {
    for (; policy != Policy::kNone; policy = policies_[policy].under) {
      if (std::find(out.begin(), out.end(), policy) == out.end()) out.push_back(policy);
    }
  };
  static_assert(Policy::kNone == ResolvedGroup::kNoPolicy);
  add(policy_of(group, mode));
  if (!group.is_device && group.policy != ResolvedGroup::kNoPolicy) {
    add(policies_[group.policy].under);
  }
  for (const std::uint16_t layer : group.layers) add(layer);
  return out;
}

std::vector<std::uint16_t> Timetable::layers(std::uint16_t group, Moment moment) const {
  return layers_of(groups_[group], mode(group, moment));
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
    masks.refuse_unnamed = policy.only->refuse_unnamed;
  }
  return masks;
}

void Timetable::finish(const Group& group, const Mode* mode, Masks& masks) const {
  const Onlies& onlies = onlies_[mode != nullptr ? group.only_in_mode : group.only];
  masks.only = onlies.first;
  masks.further = onlies.further.empty() ? nullptr : &onlies.further;
  masks.paused = mode != nullptr && mode->word == kPause;
  masks.in_force = !group.is_device || mode != nullptr;
}

Masks Timetable::masks(std::uint16_t group, Moment moment) const {
  Masks masks;
  const Mode* const by = mode(group, moment);
  for (const std::uint16_t one : layers_of(groups_[group], by)) {
    masks = tightened(masks, masks_of(policies_[one], moment));
  }
  finish(groups_[group], by, masks);
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
    const Mode* const by = mode_of(group, moment);
    for (const std::uint16_t one : layers_of(group, by)) {
      out.back() = tightened(out.back(), of_policies[one]);
    }
    finish(group, by, out.back());
  }
  return out;
}

std::size_t Timetable::period(Moment moment) const {
  const std::size_t by_modes = moment && !ends_.empty() ? 1 + passed(ends_, *moment) : 0;
  const std::size_t by_schedules = covers(moment) ? 1 + passed(changes_, *moment) : 0;
  return by_schedules * (ends_.size() + 2) + by_modes;
}

}  // namespace sluice::policy
