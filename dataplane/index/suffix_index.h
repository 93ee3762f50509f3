// All listed names of one generation in a hash table of cache lines, so that most names cost one
// line of memory, whatever the size of the list. docs/INDEX.md says how it was chosen.
//
// A slot holds a tag of 16 bits and the place of the entry in the generation's memory, where the
// octets of the key tell whether the entry is meant: an answer is never taken from a hash. A
// look-up goes from the right, from the shortest suffix that can be listed to longer ones, and ends
// where nothing is listed below; the names of a burst go together, a label at a time, so that their
// lines are fetched at once.
//
// Thread safety: immutable once built; shared by all lcores.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "config/base/result.h"
#include "config/generation/codec.h"
#include "config/generation/reader.h"
#include "dataplane/index/bucket.h"
#include "dataplane/index/suffix_hash.h"
#include "dataplane/memory/pages.h"

namespace sluice::index {

/// The longest listed suffix of a name, and what its entry says.
struct Match {
  std::uint8_t labels = 0;
  generation::EntryView entry;
};

class SuffixIndex {
 public:
  /// Reads all of `generation`, which must outlive the index; allocates octets().
  [[nodiscard]] static Result<std::unique_ptr<const SuffixIndex>> build(
      const generation::Generation& generation);
  /// The same with a key that is given; fails where too many names meet in one place under it.
  [[nodiscard]] static Result<std::unique_ptr<const SuffixIndex>> build(
      const generation::Generation& generation, const SuffixHash::Key& key);

  /// The index of `after` made of `from`, that of `before`, by what differs between two generations
  /// of one base: a copy of the table with some entries changed. nullptr where it can't be: they
  /// are not of one base, or the table would be too full. `after` must outlive the index.
  [[nodiscard]] static Result<std::unique_ptr<const SuffixIndex>> change(
      const SuffixIndex& from, const generation::Generation& before,
      const generation::Generation& after);

  /// A name on its way, at its suffix of so many labels.
  struct Walk {
    SuffixHash::State state;
    std::uint64_t hash;
    const Bucket* home;
    std::uint8_t labels;   // 0: nowhere to go
    bool below_top_level;  // its top-level domain may be listed itself
  };

  /// Sets a name on its way to find(): what it will read first is fetched meanwhile.
  void begin(const name::FoldedName& name, Walk& walk) const {
    walk.labels = 0;
    walk.below_top_level = false;
    if (name.label_count == 0) return;
    // From the second label on: below a top-level domain nearly every list has something.
    const bool top_level = any_top_level_ && may_list_top_level(name.suffix(1));
    if (name.label_count == 1) {
      if (!top_level) return;
      walk.labels = 1;
    } else {
      walk.labels = 2;
      walk.below_top_level = top_level;
    }
    approach(walk, SuffixHash::kRoot, name, 0);
  }
  /// As below, for names that begin() was called for, with walks[i] for names[i]. entries[i] is
  /// what answers[i] was taken from: empty where nothing is listed or LMDB was asked.
  void find(std::span<const name::FoldedName> names, std::span<Walk> walks,
            std::span<generation::Answer> answers, const generation::Cursor& cursor,
            std::span<generation::EntryView> entries) const;

  /// answers[i] for names[i], the same as Cursor::find() gives. `cursor`, of the same generation
  /// and the calling thread's own, is asked for the few names of which the table alone is not sure.
  void find(std::span<const name::FoldedName> names, std::span<generation::Answer> answers,
            const generation::Cursor& cursor) const;

  /// The entry of a listed name; nullopt where it is not listed, or only LMDB can tell.
  [[nodiscard]] std::optional<Match> match(const name::FoldedName& name) const;

  /// Of memory, beside the generation itself.
  [[nodiscard]] std::size_t octets() const { return pages_.get_deleter().octets; }

 private:
  friend class Builder;
  friend class Changer;

  static constexpr std::size_t kGroup = 32;  // names that go together
  // How many buckets an entry may be from its place; the build sees to it.
  static constexpr std::uint32_t kMaxSteps = 64;
  static constexpr std::int32_t kAskLmdb = INT32_MIN;  // the place of an entry that has none

  /// The longest suffix so far of which the table has a tag.
  struct Candidate {
    std::uint8_t labels;
    std::int32_t where;
  };
  SuffixIndex() = default;
  void find_group(std::span<const name::FoldedName> names, std::span<Walk> walks,
                  std::span<generation::Answer> answers, const generation::Cursor& cursor,
                  std::span<generation::EntryView> entries) const;
  bool probe_top_level(const name::FoldedName& name, Candidate& candidate) const;
  bool advance(Walk& walk, const name::FoldedName& name) const;
  /// The suffix of walk.labels, of which `before` knows the last `octets`.
  void approach(Walk& walk, SuffixHash::State before, const name::FoldedName& name,
                std::size_t octets) const {
    walk.state = hash_.extend(before, name.at(walk.labels), name.length_of(walk.labels) - octets);
    walk.hash = hash_.finish(walk.state);
    walk.home = home(walk.hash);
    __builtin_prefetch(walk.home);
  }
  bool probe(const Walk& walk, Candidate& candidate) const;
  void prefetch_entry(Candidate candidate) const;
  [[nodiscard]] bool entry_at(Candidate candidate, const name::FoldedName& name,
                              generation::EntryView& out) const;

  /// What Bucket::where holds for an entry that lies in memory so.
  [[nodiscard]] std::int32_t place(std::string_view key, std::string_view value) const;

  [[nodiscard]] Bucket* bucket(std::uint32_t number) const {
    return static_cast<Bucket*>(pages_.get()) + number;
  }
  [[nodiscard]] Bucket* home(std::uint64_t hash) const {
    return bucket(static_cast<std::uint32_t>((hash >> 32) * bucket_count_ >> 32));
  }
  /// One bit of top_levels_, by the first octets of a label behind its length octet.
  static unsigned top_level_bit(std::string_view label) {
    std::uint64_t octets;
    std::memcpy(&octets, label.data(), sizeof octets);  // as many are readable
    octets <<= 8 * (8 - std::min<std::size_t>(label.size(), 8));
    return static_cast<unsigned>(octets * 0x9e3779b97f4a7c15U >> 55);
  }
  [[nodiscard]] bool may_list_top_level(std::string_view label) const {
    const unsigned bit = top_level_bit(label);
    return (top_levels_[bit / 64] >> bit % 64 & 1) != 0;
  }
  void note_top_level(std::string_view label) {
    const unsigned bit = top_level_bit(label);
    top_levels_[bit / 64] |= std::uint64_t{1} << bit % 64;
    any_top_level_ = true;
  }
  template <class B>
  [[nodiscard]] B* next(B* at) const {
    return at + 1 == bucket(bucket_count_) ? bucket(0) : at + 1;
  }

  SuffixHash hash_;
  std::uint32_t bucket_count_ = 0;
  bool any_top_level_ = false;
  std::array<std::uint64_t, 8> top_levels_{};  // a bit by the hash of each listed name of one label
  const char* anchor_ = nullptr;  // places are counted from here, in units of two octets
  memory::Pages pages_;
};

}  // namespace sluice::index
