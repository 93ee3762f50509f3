#include "config/policy/curated.h"

#include <bit>

namespace sluice::policy {
namespace {

// FNV-1a, which goes on from label to label. The names are the operator's own, and a key is
// compared before it counts.
constexpr std::uint64_t kStart = 0xcbf29ce484222325U;

std::uint64_t extend(std::uint64_t hash, std::string_view octets) {
  for (const char c : octets) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3U;
  return hash;
}

std::size_t place_of(std::uint64_t hash) { return hash ^ hash >> 32; }

bool is_under(std::string_view name, std::string_view above) {
  return name.ends_with(above) &&
         (name.size() == above.size() || name[name.size() - above.size() - 1] == '.');
}

}  // namespace

CuratedNames::CuratedNames(const std::vector<CuratedList>& lists) {
  std::size_t count = 0;
  order_ = kStart;
  for (const CuratedList& list : lists) {
    order_ = extend(extend(order_, list.name), "/");  // which no list's name holds
    count += list.names.size() + list.needs.size() + list.except.size();
  }
  if (count == 0) return;
  slots_.resize(std::bit_ceil(count * 2 + 1));
  for (std::size_t i = 0; i < lists.size() && i < kMaxCuratedLists; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    for (const auto* names : {&lists[i].names, &lists[i].needs}) {
      for (const std::string& name : *names) slot_of(name::reversed_key(name)).on |= bit;
    }
    for (const std::string& name : lists[i].except) {
      slot_of(name::reversed_key(name)).off |= bit;
    }
  }
}

CuratedNames::Entry& CuratedNames::slot_of(std::string_view key) {
  const std::uint64_t hash = extend(kStart, key);
  for (std::size_t at = place_of(hash);; ++at) {
    Entry& entry = slots_[at & (slots_.size() - 1)];
    if (entry.key_octets == 0) {
      entry.hash = hash;
      entry.key_at = static_cast<std::uint32_t>(keys_.size());
      entry.key_octets = static_cast<std::uint8_t>(key.size());
      keys_ += key;
      return entry;
    }
    if (entry.hash == hash && std::string_view(keys_).substr(entry.key_at, entry.key_octets) == key)
      return entry;
  }
}

std::uint64_t CuratedNames::lists_of(const name::LookupName& name) const {
  if (slots_.empty()) return 0;
  const std::string_view key = name.view();
  std::uint64_t lists = 0;
  std::uint64_t hash = kStart;
  std::size_t from = 0;
  for (unsigned labels = 1; labels <= name.label_count; ++labels) {
    const std::size_t to = name.length_of(labels);
    hash = extend(hash, key.substr(from, to - from));
    from = to;
    for (std::size_t at = place_of(hash);; ++at) {
      const Entry& entry = slots_[at & (slots_.size() - 1)];
      if (entry.key_octets == 0) break;
      if (entry.hash != hash ||
          std::string_view(keys_).substr(entry.key_at, entry.key_octets) != key.substr(0, to)) {
        continue;
      }
      lists = (lists | entry.on) & ~entry.off;
      break;
    }
  }
  return lists;
}

std::vector<CuratedBy> curated_by(const std::vector<CuratedList>& lists,
                                  std::string_view canonical_name) {
  std::vector<CuratedBy> out;
  for (const CuratedList& list : lists) {
    CuratedBy best;
    // Of the same name in two places, the exception counts, and what is needed tells the least.
    const auto look = [&](const std::vector<std::string>& names, bool needed, bool excepted) {
      for (const std::string& name : names) {
        if (!is_under(canonical_name, name) || name.size() < best.name.size()) continue;
        if (name.size() == best.name.size() && !excepted) continue;
        best = {list.name, name, needed, excepted};
      }
    };
    look(list.names, false, false);
    look(list.needs, true, false);
    look(list.except, false, true);
    if (!best.name.empty()) out.push_back(std::move(best));
  }
  return out;
}

}  // namespace sluice::policy
