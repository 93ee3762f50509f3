#include "dataplane/index/suffix_index.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::index {
namespace {

using generation::Answer;
using generation::EntryView;

template <class T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

// Of a name of several labels, whose walk is past it.
bool SuffixIndex::probe_top_level(const name::FoldedName& name, Candidate& candidate) const {
  Walk walk{};
  walk.labels = 1;
  approach(walk, SuffixHash::kRoot, name, 0);
  return probe(walk, candidate);
}

// To the next longer suffix; false where the name ends, or nothing longer is listed.
inline bool SuffixIndex::advance(Walk& walk, const name::FoldedName& name) const {
  if (walk.labels == name.label_count) return false;
  if (!walk.home->may_be_deeper(walk.hash)) return false;
  const std::size_t from = name.length_of(walk.labels);
  ++walk.labels;
  approach(walk, walk.state, name, from);
  return true;
}

// Sets the candidate where there is a tag for the suffix. It may be another suffix's.
inline bool SuffixIndex::probe(const Walk& walk, Candidate& candidate) const {
  const Bucket* at = walk.home;
  for (std::uint32_t step = 0; step < kMaxSteps; ++step) {
    const unsigned slot = at->find(tag_of(walk.hash));
    if (slot < Bucket::kSlots) {
      candidate = {walk.labels, at->where[slot]};
      return true;
    }
    if (!at->may_have_spilled(walk.hash)) return false;
    at = next(at);
  }
  return false;
}

// LMDB's node: the value's length (4 octets), flags (2), the key's length (2), the key, the value.
// The build has seen for each entry that it is so. Before the node is at least the page's header,
// of 16 octets.
void SuffixIndex::prefetch_entry(Candidate candidate) const {
  if (candidate.where == kAskLmdb) return;
  const char* const key = anchor_ + std::ptrdiff_t{candidate.where} * 2;
  __builtin_prefetch(key - 8);
  __builtin_prefetch(key + 40);  // where most values end
}

// False where the entry is another name's, or has no place.
inline bool SuffixIndex::entry_at(Candidate candidate, const name::FoldedName& name,
                                  EntryView& out) const {
  if (candidate.where == kAskLmdb) return false;
  const char* const key = anchor_ + std::ptrdiff_t{candidate.where} * 2;
  const std::string_view octets(key, load<std::uint16_t>(key - 2));
  if (!name::is_key_of(name, candidate.labels, octets)) return false;
  return EntryView::decode({key + octets.size(), load<std::uint32_t>(key - 8)}, out);
}

void SuffixIndex::find(std::span<const name::FoldedName> names, std::span<Walk> walks,
                       std::span<Answer> answers, const generation::Cursor& cursor,
                       std::span<EntryView> entries) const {
  for (std::size_t at = 0; at < names.size(); at += kGroup) {
    const std::size_t n = std::min(names.size() - at, kGroup);
    find_group(names.subspan(at, n), walks.subspan(at, n), answers.subspan(at, n), cursor,
               entries.subspan(at, n));
  }
}

void SuffixIndex::find(std::span<const name::FoldedName> names, std::span<Answer> answers,
                       const generation::Cursor& cursor) const {
  std::array<Walk, kGroup> walks;
  std::array<EntryView, kGroup> entries;
  for (std::size_t at = 0; at < names.size(); at += kGroup) {
    const std::size_t n = std::min(names.size() - at, kGroup);
    for (std::size_t i = 0; i < n; ++i) begin(names[at + i], walks[i]);
    find_group(names.subspan(at, n), walks, answers.subspan(at, n), cursor, entries);
  }
}

void SuffixIndex::find_group(std::span<const name::FoldedName> names, std::span<Walk> walks,
                             std::span<Answer> answers, const generation::Cursor& cursor,
                             std::span<EntryView> entries) const {
  std::array<Candidate, kGroup> candidates;  // of those that are listed
  std::array<std::uint8_t, kGroup> active;   // which of the names go on
  std::size_t count = 0;
  std::uint32_t listed = 0;  // a bit a name that has a candidate
  static_assert(kGroup <= 32);
  const auto go = [&](std::uint8_t i) __attribute__((always_inline)) {
    Walk& walk = walks[i];
    if (probe(walk, candidates[i])) {
      prefetch_entry(candidates[i]);
      listed |= std::uint32_t{1} << i;
    }
    active[count] = i;
    count += advance(walk, names[i]) ? 1 : 0;
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    answers[i] = {};
    entries[i] = {};
    if (walks[i].labels == 0) continue;
    if (walks[i].below_top_level && probe_top_level(names[i], candidates[i])) {
      listed |= std::uint32_t{1} << i;
    }
    go(static_cast<std::uint8_t>(i));
  }
  while (count > 0) {
    const std::size_t going = std::exchange(count, 0);
    for (std::size_t at = 0; at < going; ++at) go(active[at]);
  }
  for (; listed != 0; listed &= listed - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(listed));
    const Candidate candidate = candidates[i];
    const name::FoldedName& name = names[i];
    if (entry_at(candidate, name, entries[i])) {
      entries[i].flatten_into(candidate.labels < name.label_count, answers[i]);
      answers[i].matched_labels = candidate.labels;
    } else {
      answers[i] = cursor.find(name::LookupName(name));
    }
  }
}

std::optional<Match> SuffixIndex::match(const name::FoldedName& name) const {
  Walk walk{};
  Candidate candidate{};
  begin(name, walk);
  if (walk.below_top_level) probe_top_level(name, candidate);
  for (bool more = walk.labels > 0; more; more = advance(walk, name)) probe(walk, candidate);
  if (candidate.labels == 0) return std::nullopt;
  Match match{candidate.labels, {}};
  return entry_at(candidate, name, match.entry) ? std::optional(match) : std::nullopt;
}

}  // namespace sluice::index
