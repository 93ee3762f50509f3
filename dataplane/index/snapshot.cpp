#include "dataplane/index/snapshot.h"

#include <utility>

namespace sluice::index {
namespace {

Result<std::unique_ptr<const SuffixIndex>> make_index(const generation::Generation& generation,
                                                      const Snapshot* running) {
  if (running != nullptr) {
    auto changed = SuffixIndex::change(running->index(), running->generation(), generation);
    if (!changed || *changed) return changed;
  }
  return SuffixIndex::build(generation);
}

}  // namespace

Result<std::unique_ptr<const Snapshot>> Snapshot::build(
    std::shared_ptr<const generation::Generation> generation, const policy::PolicySet& fallback,
    std::span<const std::string> inside_ports, unsigned lcores, const Snapshot* running) {
  policy::PolicySet set = fallback;
  if (const std::string_view json = generation->policy_json(); !json.empty()) {
    auto carried = policy::from_json(json);
    if (!carried) return fail(carried.error());
    set = std::move(*carried);
  }
  auto groups = policy::GroupTable::build(set, inside_ports);
  if (!groups) return fail(groups.error());

  std::unique_ptr<Snapshot> snapshot(new Snapshot());
  snapshot->groups_ = std::move(*groups);
  snapshot->timetable_ = policy::Timetable(set, snapshot->groups_);
  snapshot->curated_ = policy::CuratedNames(set.curated);
  snapshot->safe_search_ = policy::SafeSearchNames(set.engines);
  snapshot->policy_ = std::move(set);
  snapshot->mask_table_ = snapshot->table_at(policy::Moment{});
  snapshot->now_.store(snapshot->mask_table_.get(), std::memory_order_relaxed);
  auto index = make_index(*generation, running);
  if (!index) return fail(index.error());
  snapshot->index_ = std::move(*index);
  for (unsigned i = 0; i < lcores; ++i) {
    auto cursor = generation->cursor();
    if (!cursor) return fail(cursor.error());
    snapshot->lookups_.emplace_back(*snapshot->index_, std::move(*cursor));
  }
  snapshot->generation_ = std::move(generation);
  return std::unique_ptr<const Snapshot>(std::move(snapshot));
}

std::unique_ptr<const Snapshot::MaskTable> Snapshot::table_at(policy::Moment moment) const {
  auto table = std::make_unique<MaskTable>();
  table->masks = timetable_.masks(moment);
  table->budgets = budgets_;
  table->neighbours = neighbours_;
  for (const policy::Masks& one : table->masks) {
    if (!one.in_force) continue;
    table->any_curated |= one.curated;
    table->any_safe_search |= one.safe_search != policy::SafeSearch::off;
    table->any_refuses_unnamed |= one.curated && one.refuse_unnamed;
  }
  if (table->any_curated) table->curated_claims = groups_.curated_claims(table->masks);
  table->any_asks_names = table->any_curated || table->any_safe_search;
  return table;
}

void Snapshot::set_budgets(const Budgets& budgets) const {
  if (budgets == budgets_) return;
  budgets_ = budgets;
  told_changed_ = true;
}

void Snapshot::set_neighbours(std::shared_ptr<const neighbour::Table> neighbours) const {
  if (neighbours == neighbours_) return;
  neighbours_ = std::move(neighbours);
  told_changed_ = true;
}

std::unique_ptr<const Snapshot::MaskTable> Snapshot::set_time(policy::Moment moment) const {
  const std::size_t period = timetable_.period(moment);
  if (period == period_ && !told_changed_) return nullptr;
  auto table = table_at(moment);
  now_.store(table.get(), std::memory_order_release);
  period_ = period;
  told_changed_ = false;
  return std::exchange(mask_table_, std::move(table));
}

}  // namespace sluice::index
