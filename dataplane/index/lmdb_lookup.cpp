#include "dataplane/index/lmdb_lookup.h"

namespace sluice::index {

void LmdbLookup::find(std::span<const name::LookupName* const> names,
                      std::span<generation::Answer> answers) const {
  for (std::size_t i = 0; i < names.size(); ++i) answers[i] = cursor_.find(*names[i]);
}

std::optional<generation::Decider> LmdbLookup::decider(const name::LookupName& name,
                                                       std::uint8_t category) const {
  return cursor_.decider(name, category);
}

}  // namespace sluice::index
