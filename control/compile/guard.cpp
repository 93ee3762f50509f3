#include "control/compile/guard.h"

#include <algorithm>

#include "control/compile/cpd_make.h"
#include "control/compile/local.h"
#include "control/compile/rollout.h"

namespace sluice::compile {
namespace {

/// Whether the authority lists a name, in one of its categories that keep people from something
/// where `blocks`. What the site lists itself says nothing about the authority's release.
bool is_listed(const generation::Generation& generation, const name::LookupName& name,
               bool blocks) {
  bool listed = false;
  for (const generation::Covering& one : generation.covering(name)) {
    if (one.record.disposition == generation::Disposition::protect) return false;
    const policy::Category* category = policy::find_category(one.record.category);
    const bool permits =
        blocks && category != nullptr && category->minors_default == policy::MinorsDefault::allow;
    listed = listed || (one.record.disposition == generation::Disposition::block && !permits &&
                        !is_local(one.record));
  }
  return listed;
}

bool permitted(const BulkChange& bulk, std::uint64_t before, std::uint64_t after) {
  // Entries are at most 50 million, so the products fit.
  if (after < before) return after * kMillion >= before * bulk.min_ratio;
  return bulk.max_ratio && after * kMillion <= before * *bulk.max_ratio;
}

/// "0.8", "1.5"
std::string ratio_text(std::uint64_t ratio) {
  std::string text = std::to_string(ratio / kMillion) + "." +
                     std::to_string(kMillion + ratio % kMillion).substr(1);
  while (text.ends_with('0') && !text.ends_with(".0")) text.pop_back();
  return text;
}

Result<std::uint64_t> removed_names(const ReleaseList& before, const ReleaseList& after,
                                    const std::vector<ListDelta>& deltas,
                                    const std::filesystem::path& folder) {
  for (const ListDelta& delta : deltas) {
    if (delta.department == after.department) return count_removed(before, after, delta.file);
  }
  return count_removed_between(before, after, folder);
}

}  // namespace

Status check_sequence(const Release& previous, const Release& next) {
  for (const ReleaseList& old : previous.lists) {
    const ReleaseList* list = next.find(old.department);
    if (list == nullptr || list->seq >= old.seq || old.department == kEmergency) continue;
    return fail("the list's sequence number falls from " + std::to_string(old.seq) + " to " +
                    std::to_string(list->seq),
                "lists/" + old.department, "refused as a replay; the last good lists stay");
  }
  return {};
}

std::vector<Error> check_sizes(const Release& previous, const Release& next, const Rules& rules) {
  std::vector<Error> out;
  for (const ReleaseList& old : previous.lists) {
    const ReleaseList* list = next.find(old.department);
    const std::uint64_t after = list == nullptr ? 0 : list->entries;
    const std::string where = "lists/" + old.department;
    // The emergency list empties itself by design: its entries live for hours.
    if (old.department == kEmergency) continue;
    if (after == 0 && old.entries > 0) {
      out.push_back({"the list of " + std::to_string(old.entries) + " entries would become empty",
                     where, ""});
      continue;
    }
    if (list == nullptr || old.entries < rules.min_entries) continue;
    const bool in_bounds = after * kMillion >= old.entries * rules.min_ratio &&
                           after * kMillion <= old.entries * rules.max_ratio;
    if (in_bounds || (list->bulk_change && permitted(*list->bulk_change, old.entries, after))) {
      continue;
    }
    out.push_back({"the list would go from " + std::to_string(old.entries) + " to " +
                       std::to_string(after) + " entries, outside " + ratio_text(rules.min_ratio) +
                       "-" + ratio_text(rules.max_ratio) + " of its size",
                   where, ""});
  }
  return out;
}

Result<std::vector<Error>> check_churn(const Release& previous, const Release& next,
                                       const std::vector<ListDelta>& deltas,
                                       const std::filesystem::path& folder, const Rules& rules) {
  std::vector<Error> out;
  for (const ReleaseList& old : previous.lists) {
    const ReleaseList* list = next.find(old.department);
    const bool same = list == nullptr || list->full.content_sha256 == old.full.content_sha256;
    if (same || old.entries < rules.min_entries || old.department == kEmergency) continue;
    auto removed = removed_names(old, *list, deltas, folder);
    if (!removed) return fail(removed.error());
    if (*removed * kMillion <= old.entries * rules.max_removed_ratio) continue;
    const std::uint64_t left = old.entries - std::min(*removed, old.entries);
    if (list->bulk_change && permitted(*list->bulk_change, old.entries, left)) continue;
    out.push_back({std::to_string(*removed) + " of " + std::to_string(old.entries) +
                       " names would go, more than " + ratio_text(rules.max_removed_ratio) +
                       " of the list",
                   "lists/" + old.department, ""});
  }
  return out;
}

std::vector<Error> check_popular(const generation::Generation& before,
                                 const generation::Generation& made, const Rules& rules,
                                 std::uint64_t most) {
  std::uint64_t fresh = 0;
  std::string first;
  for (const NameSet::Entry& entry : rules.popular.entries()) {
    const std::string text = name::from_reversed_key(entry.key);
    name::LookupName name;
    if (name::from_text(text, name) != name::Defect::none) continue;
    if (!is_listed(made, name, true) || is_listed(before, name, true)) continue;
    if (fresh++ == 0) first = text;
  }
  if (fresh <= most) return {};
  return {{std::to_string(fresh) + " popular names would be listed from now on, " + first +
               " among them; the signed rollout permits " + std::to_string(most),
           std::string(kRolloutFile), ""}};
}

std::vector<Error> check_probes(const generation::Generation& made, const Rules& rules) {
  std::vector<Error> out;
  const auto probe = [&](const std::string& text, bool wanted) {
    name::LookupName name;
    if (name::from_text(text, name) != name::Defect::none) return;
    if (is_listed(made, name, false) == wanted) return;
    out.push_back(
        {wanted ? "must be listed, and would not be" : "must never be listed, and would be", text,
         ""});
  };
  for (const std::string& name : rules.must_hit) probe(name, true);
  for (const std::string& name : rules.must_miss) probe(name, false);
  return out;
}

}  // namespace sluice::compile
