#include "control/compile/guard.h"

namespace sluice::compile {
namespace {

bool permitted(const BulkChange& bulk, std::uint64_t before, std::uint64_t after) {
  // Entries are at most 50 million, so the products fit.
  if (after < before) return after * kMillion >= before * bulk.min_ratio;
  return bulk.max_ratio && after * kMillion <= before * *bulk.max_ratio;
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

std::vector<Error> check_sizes(const Release& previous, const Release& next) {
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
    if (list == nullptr || old.entries < kGuardedEntries) continue;
    const bool in_bounds = after * 100 >= old.entries * kMinRatioPercent &&
                           after * 100 <= old.entries * kMaxRatioPercent;
    if (in_bounds || (list->bulk_change && permitted(*list->bulk_change, old.entries, after))) {
      continue;
    }
    out.push_back({"the list would go from " + std::to_string(old.entries) + " to " +
                       std::to_string(after) + " entries, outside 0.8-1.5 of its size",
                   where, ""});
  }
  return out;
}

}  // namespace sluice::compile
