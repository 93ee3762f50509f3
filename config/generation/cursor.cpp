// Look-ups in a generation: in LMDB, and in what an overlay says instead.
#include "config/generation/codec.h"
#include "config/generation/cursor_state.h"

namespace sluice::generation {
Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() {
  if (state_) state_->cursor.reset();  // before its transaction
}

std::optional<Overlay::Entry> Cursor::entry(std::string_view wanted) const {
  if (state_->overlay != nullptr) {
    if (const auto changed = state_->overlay->find(wanted)) {
      return changed->value.empty() ? std::nullopt : changed;
    }
  }
  MDB_val key = to_val(wanted);
  MDB_val value{};
  if (mdb_cursor_get(state_->cursor.get(), &key, &value, MDB_SET_KEY) != MDB_SUCCESS) {
    return std::nullopt;
  }
  return Overlay::Entry{to_view(key), to_view(value)};
}

std::optional<std::string_view> Cursor::value(std::string_view key) const {
  const auto found = entry(key);
  return found ? std::optional(found->value) : std::nullopt;
}

Status Cursor::walk(std::string_view first, const WalkVisitor& visitor) const {
  static const Overlay kNone;
  const Overlay& overlay = state_->overlay != nullptr ? *state_->overlay : kNone;
  std::size_t at = overlay.lower_bound(first);
  // Those of the overlay before a key of the base; false where the visitor has enough.
  const auto go_on = [&](const Overlay::Entry& changed) {
    ++at;
    return changed.value.empty() || visitor(changed.key, changed.value);
  };
  MDB_val key = to_val(first);
  MDB_val value{};
  int code =
      mdb_cursor_get(state_->cursor.get(), &key, &value, first.empty() ? MDB_FIRST : MDB_SET_RANGE);
  for (; code == MDB_SUCCESS; code = mdb_cursor_get(state_->cursor.get(), &key, &value, MDB_NEXT)) {
    while (at < overlay.size() && overlay[at].key < to_view(key)) {
      if (!go_on(overlay[at])) return {};
    }
    if (at < overlay.size() && overlay[at].key == to_view(key)) {
      if (!go_on(overlay[at])) return {};
    } else if (!visitor(to_view(key), to_view(value))) {
      return {};
    }
  }
  if (code != MDB_NOTFOUND) return fail(std::string("cannot read: ") + mdb_strerror(code));
  while (at < overlay.size()) {
    if (!go_on(overlay[at])) return {};
  }
  return {};
}

Overlay::Longest Cursor::longest_of_base(const name::LookupName& name, unsigned labels) const {
  MDB_cursor* const cursor = state_->cursor.get();
  // Everything between a listed ancestor and the name itself shares the ancestor's key as a prefix,
  // so the predecessor of the name's own place tells how long the longest ancestor can be. Each
  // round either finds it or cuts the name to fewer labels.
  while (labels > 0) {
    const std::string_view wanted = name.suffix(labels);
    MDB_val key = to_val(wanted);
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code != MDB_SUCCESS || to_view(key) != wanted) {
      const MDB_cursor_op back = code == MDB_SUCCESS ? MDB_PREV : MDB_LAST;
      code = mdb_cursor_get(cursor, &key, &value, back);
      if (code != MDB_SUCCESS) return {};
      labels = common_labels(name, to_view(key));
      if (labels == 0 || key.mv_size != name.length_of(labels)) continue;
    }
    return {labels, to_view(value)};
  }
  return {};
}

Answer Cursor::find(const name::LookupName& name) const {
  Overlay::Longest found = longest_of_base(name, name.label_count);
  // The overlay's word counts at its own key and below, down to the base's next listed one. Where
  // it says that a key is no more, what is above that one counts.
  if (const Overlay* const overlay = state_->overlay; overlay != nullptr) {
    Overlay::Longest changed = overlay->longest(name, name.label_count);
    while (changed.labels > 0 && changed.labels >= found.labels) {
      if (!changed.value.empty()) {
        found = changed;
        break;
      }
      const unsigned above = changed.labels - 1;
      if (found.labels > above) found = longest_of_base(name, above);
      changed = overlay->longest(name, above);
    }
  }
  if (found.labels == 0) return {};
  const auto entry = EntryView::decode(found.value);
  if (!entry) return {};
  const Flat flat = entry->flat(is_below(name, found.labels));
  return {flat.categories, flat.is_protected, flat.emergency, flat.local_allow,
          static_cast<std::uint8_t>(found.labels)};
}

std::optional<Decider> Cursor::decider(const name::LookupName& name, std::uint8_t category) const {
  for (unsigned labels = name.label_count; labels > 0; --labels) {
    const auto found = value(name.suffix(labels));
    const auto entry = found ? EntryView::decode(*found) : std::nullopt;
    if (!entry) continue;
    if (const auto record = entry->deciding(is_below(name, labels), category)) {
      return Decider{static_cast<std::uint8_t>(labels), *record};
    }
  }
  return std::nullopt;
}

}  // namespace sluice::generation
