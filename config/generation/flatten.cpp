#include "config/generation/flatten.h"

namespace sluice::generation {

Flat Flattener::State::flat() const {
  Flat flat;
  for (const policy::CategoryMask mask : layers) flat.categories |= mask;
  flat.is_protected = is_protected;
  flat.emergency = layers[static_cast<std::size_t>(Layer::emergency)] != 0;
  flat.local_allow = local_allow;
  return flat;
}

bool Flattener::State::empty() const { return flat() == Flat{}; }

Flattener::State Flattener::apply(State state, std::span<const Record> records, bool below) {
  // Allows first: they remove only what less specific entries set, so a block of the same name
  // stands.
  for (const Record& record : records) {
    if (record.disposition != Disposition::allow || !covers(record.scope, below)) continue;
    state.layers[static_cast<std::size_t>(record.layer)] &=
        record.category == 0 ? 0 : ~policy::bit(record.category);
    if (record.layer == Layer::site) state.local_allow = true;
  }
  for (const Record& record : records) {
    if (!covers(record.scope, below)) continue;
    if (record.disposition == Disposition::protect) state.is_protected = true;
    if (record.disposition != Disposition::block) continue;
    state.layers[static_cast<std::size_t>(record.layer)] |= policy::bit(record.category);
    if (record.layer == Layer::site) state.local_allow = false;
  }
  return state;
}

std::string Flattener::next(std::string_view reversed_key, std::span<const Record> records) {
  while (!ancestors_.empty() && !reversed_key.starts_with(ancestors_.back().key)) {
    ancestors_.pop_back();
  }
  const State inherited = ancestors_.empty() ? State{} : ancestors_.back().below;
  const State self = apply(inherited, records, false);
  const State below = apply(inherited, records, true);
  ancestors_.push_back({std::string(reversed_key), below});
  if (records.size() == 1 && inherited.empty()) return encode_simple(records[0]);
  return encode_flattened(self.flat(), below.flat(), records);
}

}  // namespace sluice::generation
