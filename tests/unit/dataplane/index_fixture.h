// A generation of given entries, and the three that answer for a name: the index, LMDB and the
// reference.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "config/generation/writer.h"
#include "dataplane/index/lookup.h"
#include "tests/unit/generation/reference.h"

namespace sluice::test {

class Listed {
 public:
  /// `hash_key`: of the index's hash; random where there is none.
  explicit Listed(Entries entries, const std::optional<index::SuffixHash::Key>& hash_key = {})
      : entries_(std::move(entries)) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("sluice-index-" + std::to_string(getpid()) + ".lmdb");
    auto writer = generation::Writer::create(path);
    for (const auto& [name, records] : entries_) EXPECT_TRUE(writer->append(name, records));
    EXPECT_TRUE(writer->finish(1, "t"));
    generation_ = *generation::Generation::open(path);
    std::filesystem::remove(path);
    index_ = std::move(*(hash_key ? index::SuffixIndex::build(*generation_, *hash_key)
                                  : index::SuffixIndex::build(*generation_)));
    open_cursors();
  }
  /// Of a generation and an index that should hold these entries.
  Listed(Entries entries, std::shared_ptr<const generation::Generation> generation,
         std::unique_ptr<const index::SuffixIndex> index)
      : entries_(std::move(entries)), generation_(std::move(generation)), index_(std::move(index)) {
    open_cursors();
  }

  [[nodiscard]] const index::SuffixIndex& index() const { return *index_; }
  [[nodiscard]] const std::shared_ptr<const generation::Generation>& generation() const {
    return generation_;
  }
  [[nodiscard]] const Entries& entries() const { return entries_; }

  /// The number of names for which the three do not agree on every field, and on who decided.
  std::size_t differences(const std::vector<name::FoldedName>& names) const {
    std::vector<generation::Answer> answers(names.size());
    lookup_->find(names, answers);
    std::size_t differences = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const generation::Answer got = answers[i];
      const name::LookupName key(names[i]);
      if (equal(got, lmdb_->find(key)) &&
          equal(got, reference(entries_, std::string(key.view()))) &&
          same_decider(names[i], got)) {
        continue;
      }
      ++differences;
      ADD_FAILURE() << name::display(names[i]);
    }
    return differences;
  }

 private:
  void open_cursors() {
    lmdb_ = std::make_unique<generation::Cursor>(*generation_->cursor());
    lookup_ = std::make_unique<index::Lookup>(*index_, *generation_->cursor());
  }

  static bool equal(const generation::Answer& a, const generation::Answer& b) {
    return a.categories == b.categories && a.is_protected == b.is_protected &&
           a.emergency == b.emergency && a.local_allow == b.local_allow &&
           a.matched_labels == b.matched_labels;
  }

  bool same_decider(const name::FoldedName& name, const generation::Answer& answer) const {
    if (answer.matched_labels == 0) return true;
    const auto lowest =
        static_cast<std::uint8_t>(answer.categories == 0 ? 0 : std::countr_zero(answer.categories));
    for (const std::uint8_t category : {std::uint8_t{0}, lowest}) {
      const auto a = lookup_->decider(name, category);
      const auto b = lmdb_->decider(name::LookupName(name), category);
      if (a.has_value() != b.has_value()) return false;
      if (a && (a->labels != b->labels || !(a->record == b->record))) return false;
    }
    return true;
  }

  Entries entries_;
  std::shared_ptr<const generation::Generation> generation_;
  std::unique_ptr<const index::SuffixIndex> index_;
  std::unique_ptr<generation::Cursor> lmdb_;
  std::unique_ptr<index::Lookup> lookup_;
};

/// From labels, the leftmost first, of any octets.
inline name::FoldedName from_labels(const std::vector<std::string>& labels) {
  std::vector<std::uint8_t> wire;
  for (const std::string& label : labels) {
    wire.push_back(static_cast<std::uint8_t>(label.size()));
    wire.insert(wire.end(), label.begin(), label.end());
  }
  wire.push_back(0);
  name::FoldedName name;
  name::fold_wire(wire, name);
  return name;
}

inline name::FoldedName from_key(const std::string& key) {
  name::FoldedName name;
  EXPECT_EQ(name::fold_text(name::from_reversed_key(key), name), name::Defect::none) << key;
  return name;
}

}  // namespace sluice::test
