#include "config/generation/flatten.h"

#include <algorithm>

namespace sluice::generation {

Flat Flattener::State::flat() const {
  Flat flat;
  for (const policy::CategoryMask mask : layers) flat.categories |= mask;
  const policy::CategoryMask emergency = layers[static_cast<std::size_t>(Layer::emergency)];
  flat.is_protected = is_protected;
  flat.emergency = emergency != 0;
  if (allowed == 0) return flat;
  // Where all is lifted, the categories stay, so that a verdict can tell what was overruled.
  const policy::CategoryMask never = policy::mandatory_categories();
  const policy::CategoryMask left = flat.categories & ~allowed & ~emergency & ~never;
  flat.local_allow = left == 0;
  if (left != 0) flat.categories &= ~allowed | emergency | never;
  return flat;
}

bool Flattener::State::empty() const { return flat() == Flat{}; }

Flattener::State Flattener::apply(State state, std::span<const Record> records, bool below) {
  // Allows first: they remove only what less specific entries set, so a block of the same name
  // stands.
  for (const Record& record : records) {
    if (record.disposition != Disposition::allow || !covers(record.scope, below)) continue;
    const policy::CategoryMask lifted =
        record.category == 0 ? ~policy::CategoryMask{0} : policy::bit(record.category);
    state.layers[static_cast<std::size_t>(record.layer)] &= ~lifted;
    if (record.layer == Layer::site) state.allowed |= lifted;
  }
  for (const Record& record : records) {
    if (!covers(record.scope, below)) continue;
    if (record.disposition == Disposition::protect) state.is_protected = true;
    if (record.disposition != Disposition::block) continue;
    state.layers[static_cast<std::size_t>(record.layer)] |= policy::bit(record.category);
    if (record.layer == Layer::site) state.allowed = 0;
  }
  return state;
}

std::string_view Flattener::next(std::string_view reversed_key, std::span<const Record> records) {
  const auto common = static_cast<std::size_t>(
      std::mismatch(reversed_key.begin(), reversed_key.end(), last_key_.begin(), last_key_.end())
          .first -
      reversed_key.begin());
  while (!ancestors_.empty() && ancestors_.back().key_octets > common) ancestors_.pop_back();
  const State inherited = ancestors_.empty() ? State{} : ancestors_.back().below;
  const State self = apply(inherited, records, false);
  const State below = apply(inherited, records, true);
  ancestors_.push_back({reversed_key.size(), below});
  last_key_.assign(reversed_key);
  value_.clear();
  if (records.size() == 1 && inherited.empty()) {
    append_simple(value_, records[0]);
  } else {
    append_flattened(value_, self.flat(), below.flat(), records);
  }
  return value_;
}

}  // namespace sluice::generation
