#include "dataplane/index/lookup.h"

namespace sluice::index {

// Mostly the most specific entry itself holds the record. Where it does not, as with an exact entry
// under a listed parent, LMDB knows the parents.
std::optional<generation::Decider> Lookup::decider(const name::LookupName& name,
                                                   std::uint8_t category, std::uint8_t labels,
                                                   const generation::EntryView& entry) const {
  if (!entry.empty()) {
    if (const auto record = entry.deciding(labels < name.label_count, category)) {
      return generation::Decider{labels, *record};
    }
  }
  return cursor_.decider(name, category);
}

std::optional<generation::Decider> Lookup::decider(const name::LookupName& name,
                                                   std::uint8_t category) const {
  const auto match = index_->match(name);
  return match ? decider(name, category, match->labels, match->entry)
               : cursor_.decider(name, category);
}

}  // namespace sluice::index
