// Finds what a generation says of a burst of names: by the index, and where that is not sure, by
// LMDB.
//
// Thread safety: one Lookup belongs to one lcore. find() and decider() allocate nothing.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "config/generation/reader.h"
#include "dataplane/index/suffix_index.h"

namespace sluice::index {

class Lookup {
 public:
  /// Both of one generation; the index must outlive the look-up.
  Lookup(const SuffixIndex& index, generation::Cursor cursor)
      : index_(&index), cursor_(std::move(cursor)) {}

  /// To be called for each name as it is found; find() then meets it half-way.
  void begin(const name::FoldedName& name, SuffixIndex::Walk& walk) const {
    index_->begin(name, walk);
  }
  /// answers[i] for names[i], and entries[i] for decider(); the spans are of equal length.
  void find(std::span<const name::FoldedName> names, std::span<SuffixIndex::Walk> walks,
            std::span<generation::Answer> answers, std::span<generation::EntryView> entries) const {
    index_->find(names, walks, answers, cursor_, entries);
  }
  void find(std::span<const name::FoldedName> names, std::span<generation::Answer> answers) const {
    index_->find(names, answers, cursor_);
  }

  /// The record that decided `category` for a name that find() found listed, with `labels` and
  /// `entry` as find() told them; false where there is none.
  [[nodiscard]] bool decider(const name::FoldedName& name, std::uint8_t category,
                             std::uint8_t labels, const generation::EntryView& entry,
                             generation::Decider& out) const {
    if (!entry.empty()) {
      if (const auto record = entry.deciding(labels < name.label_count, category)) {
        out.labels = labels;
        out.record = *record;
        return true;
      }
    }
    return ask_lmdb(name, category, out);
  }
  [[nodiscard]] std::optional<generation::Decider> decider(const name::FoldedName& name,
                                                           std::uint8_t category) const;

 private:
  [[nodiscard]] bool ask_lmdb(const name::FoldedName& name, std::uint8_t category,
                              generation::Decider& out) const;

  const SuffixIndex* index_;
  generation::Cursor cursor_;
};

}  // namespace sluice::index
