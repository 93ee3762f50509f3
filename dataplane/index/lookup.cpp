#include "dataplane/index/lookup.h"

namespace sluice::index {

// Mostly the most specific entry itself holds the record. Where it does not, as with an exact entry
// under a listed parent, LMDB knows the parents.
bool Lookup::ask_lmdb(const name::FoldedName& name, std::uint8_t category,
                      generation::Decider& out) const {
  const auto found = cursor_.decider(name::LookupName(name), category);
  if (found) out = *found;
  return found.has_value();
}

std::optional<generation::Decider> Lookup::decider(const name::FoldedName& name,
                                                   std::uint8_t category) const {
  const auto match = index_->match(name);
  generation::Decider out;
  const bool found = decider(name, category, match ? match->labels : std::uint8_t{0},
                             match ? match->entry : generation::EntryView(), out);
  return found ? std::optional(out) : std::nullopt;
}

}  // namespace sluice::index
