#include "dataplane/trial/trial.h"

#include <algorithm>
#include <mutex>

#include "config/generation/codec.h"
#include "dataplane/index/key_hash.h"

namespace sluice::trial {

void Trial::add(const PassedName& name) {
  const auto number = static_cast<std::uint32_t>(names_.size());
  for (std::size_t i = 0; i < name.size(); ++i) {
    filter_->set(filter_bit(name.suffixes[i]));
    by_suffix_[name.suffixes[i]].push_back(number);
  }
  names_.push_back(name.labels);
}

Result<std::vector<std::uint8_t>> Trial::verdicts(const generation::Generation& of,
                                                  policy::CategoryMask blocked) const {
  struct Nearest {
    unsigned labels = 0;
    generation::EntryView entry;
  };
  std::vector<Nearest> nearest(names_.size());
  index::KeyHash hash(hash_);
  std::string_view previous;
  // Keys and values stay where they are for as long as the generation lives.
  auto status = of.for_each_entry([&](std::string_view key, std::string_view value) {
    const auto same =
        std::mismatch(key.begin(), key.end(), previous.begin(), previous.end()).first - key.begin();
    hash.keep(static_cast<std::size_t>(same));
    previous = key;
    if (!hash.add(key)) return;
    const unsigned labels = hash.labels();
    const std::uint64_t suffix = hash.of(labels - 1);
    if (!filter_->test(filter_bit(suffix))) return;
    const auto found = by_suffix_.find(suffix);
    if (found == by_suffix_.end()) return;
    generation::EntryView entry;
    if (!generation::EntryView::decode(value, entry)) return;
    for (const std::uint32_t name : found->second) {
      if (labels > nearest[name].labels) nearest[name] = {labels, entry};
    }
  });
  if (!status) return fail(status.error());
  std::vector<std::uint8_t> out(names_.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (nearest[i].labels == 0) continue;
    generation::Answer answer;
    nearest[i].entry.flatten_into(nearest[i].labels < names_[i], answer);
    const policy::Verdict verdict = policy::decide(answer, blocked, 0);
    if (verdict.action == policy::Action::block) out[i] = verdict.category;
  }
  return out;
}

Result<Counts> Trial::ask(const generation::Generation& candidate,
                          const generation::Generation* running,
                          policy::CategoryMask blocked) const {
  Counts out{.asked = names_.size()};
  if (out.asked < kLeastAsked) return out;
  auto now = verdicts(candidate, blocked);
  if (!now) return fail(now.error());
  const auto is_blocked = [](std::uint8_t category) { return category != 0; };
  if (running != nullptr && std::any_of(now->begin(), now->end(), is_blocked)) {
    auto before = verdicts(*running, blocked);
    if (!before) return fail(before.error());
    for (std::size_t i = 0; i < now->size(); ++i) {
      if ((*before)[i] != 0) (*now)[i] = 0;
    }
  }
  for (const std::uint8_t category : *now) {
    if (category == 0) continue;
    ++out.blocked;
    ++out.by_category[category];
  }
  out.blocked -= out.blocked % kStep;
  for (auto& [category, count] : out.by_category) count -= count % kStep;
  std::erase_if(out.by_category, [](const auto& one) { return one.second == 0; });
  return out;
}

Result<Counts> Attempt::make() const {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  // Where it is an overlay of what runs there is next to nothing to read.
  auto candidate = generation::Generation::open(file_, running_);
  if (!candidate) return fail(candidate.error());
  return trial_.ask(**candidate, running_.get(), blocked_);
}

policy::CategoryMask blocked_at_some_time(const policy::PolicySet& set,
                                          const policy::GroupTable& groups,
                                          const policy::Timetable& timetable,
                                          policy::Moment moment) {
  policy::CategoryMask out = 0;
  for (std::size_t group = 0; group < groups.groups().size(); ++group) {
    for (const std::uint16_t policy : timetable.layers(static_cast<std::uint16_t>(group), moment)) {
      if (policy >= set.policies.size()) continue;
      out |= set.policies[policy].blocked;
      for (const policy::Hours& hours : set.policies[policy].hours) out |= hours.categories;
    }
  }
  return out;
}

}  // namespace sluice::trial
