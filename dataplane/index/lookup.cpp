#include "dataplane/index/lookup.h"

namespace sluice::index {

// Mostly the most specific entry itself holds the record. Where it does not, as with an exact entry
// under a listed parent, LMDB knows the parents.
std::optional<generation::Decider> Lookup::decider(const name::LookupName& name,
                                                   std::uint8_t category) const {
  if (const auto match = index_->match(name)) {
    const bool below = match->labels < name.label_count;
    if (const auto record = match->entry.deciding(below, category)) {
      return generation::Decider{match->labels, *record};
    }
  }
  return cursor_.decider(name, category);
}

}  // namespace sluice::index
