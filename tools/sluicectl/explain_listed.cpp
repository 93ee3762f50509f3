// What the lists say of a name at a moment. A generation has what its entries come to at once; of
// another moment, those that have ended by then are taken out of it again, and those that begin by
// then are put in.
#include <algorithm>

#include "config/generation/codec.h"
#include "config/generation/flatten.h"
#include "control/tuf/time.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

/// What the generation would hold of the name without those that have ended.
generation::Answer answer_of(const std::vector<Listed::Entry>& entries,
                             const name::LookupName& name) {
  generation::Answer out;
  generation::Flattener flattener;
  for (unsigned labels = 1; labels <= name.label_count; ++labels) {
    const std::string listed_name = name::from_reversed_key(name.suffix(labels));
    std::vector<generation::Record> records;
    for (const Listed::Entry& entry : entries) {
      if (!entry.counts() || entry.covering.listed_name != listed_name) continue;
      records.push_back(entry.covering.record);
    }
    if (records.empty()) continue;
    const auto value = generation::EntryView::decode(flattener.next(name.suffix(labels), records));
    if (!value) continue;
    const generation::Flat flat = value->flat(labels < name.label_count);
    out = {.categories = flat.categories,
           .is_protected = flat.is_protected,
           .emergency = flat.emergency,
           .local_allow = flat.local_allow,
           .matched_labels = static_cast<std::uint8_t>(labels)};
  }
  return out;
}

}  // namespace

std::optional<generation::Record> Listed::decider(std::uint8_t category) const {
  std::string nearest;
  std::optional<generation::Record> out;
  for (const Entry& entry : entries) {
    const generation::Record& record = entry.covering.record;
    const bool wanted = category == 0 || (record.category == category &&
                                          record.disposition == generation::Disposition::block);
    if (!entry.counts() || !wanted || (out && entry.covering.listed_name == nearest)) continue;
    nearest = entry.covering.listed_name;
    out = record;
  }
  return out;
}

Result<Listed> listed(const generation::Generation& generation, const name::LookupName& name,
                      policy::Moment at, const std::vector<Listed::Entry>& later) {
  Listed out;
  const auto cursor = generation.cursor();
  if (!cursor) return fail(cursor.error());
  for (generation::Covering& covering : generation.covering(name)) {
    Listed::Entry entry{.covering = std::move(covering), .from = {}, .begins = {}};
    if (auto from = generation.provenance(entry.covering.record.provenance)) {
      entry.from = std::move(*from);
    }
    out.entries.push_back(std::move(entry));
  }
  out.entries.insert(out.entries.end(), later.begin(), later.end());
  // All of them are suffixes of one name.
  std::stable_sort(out.entries.begin(), out.entries.end(), [](const auto& one, const auto& other) {
    return one.covering.listed_name.size() < other.covering.listed_name.size();
  });
  bool as_it_is = true;
  for (Listed::Entry& entry : out.entries) {
    const auto expires = tuf::parse_time_or_day(entry.from.expires);
    entry.ended = at && expires && expires->time_since_epoch().count() <= *at;
    entry.pending = entry.begins && (!at || *at < *entry.begins);
    as_it_is = as_it_is && !entry.ended && entry.pending == entry.begins.has_value();
  }
  out.answer = as_it_is ? cursor->find(name) : answer_of(out.entries, name);
  return out;
}

}  // namespace sluice::ctl
