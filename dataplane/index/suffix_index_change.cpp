// Makes an index of another one, by the entries in which two generations of one base differ. A slot
// may be emptied as well as filled: look-ups go by what a bucket says was spilled, not by where an
// empty slot is. Marks that something was spilled, or is listed below, stay when it is no more, and
// cost a look; a generation that is written anew gets a table anew.
#include <array>
#include <string_view>

#include "dataplane/index/key_hash.h"
#include "dataplane/index/suffix_index.h"

namespace sluice::index {
namespace {

// Of the slots. The build leaves more room; where this is too little, it is asked again.
constexpr std::uint64_t kMostPercent = 77;

}  // namespace

class Changer {
 public:
  using Entry = generation::Overlay::Entry;

  explicit Changer(SuffixIndex& index) : index_(index), hash_(index.hash_) {}

  /// From the entry that stood at a key to the one that stands there now; false where there is no
  /// room for it.
  bool change(std::string_view key, const std::optional<Entry>& before,
              const std::optional<Entry>& after);

 private:
  bool replace(std::int32_t old_place, bool stays, std::int32_t new_place);
  void mark();
  bool insert(std::int32_t place);

  SuffixIndex& index_;
  KeyHash hash_;  // of the key at hand
};

/// Whether a slot of the key's hash holds `old_place`; that slot then holds the new one, or
/// nothing.
bool Changer::replace(std::int32_t old_place, bool stays, std::int32_t new_place) {
  const std::uint64_t hash = hash_.of(hash_.labels() - 1);
  Bucket* at = index_.home(hash);
  for (std::uint32_t step = 0; step < SuffixIndex::kMaxSteps; ++step) {
    for (unsigned slot = 0; slot < Bucket::kSlots; ++slot) {
      if (at->tags[slot] != tag_of(hash) || at->where[slot] != old_place) continue;
      at->where[slot] = new_place;
      if (!stays) at->tags[slot] = 0;
      return true;
    }
    if (!at->may_have_spilled(hash)) return false;
    at = index_.next(at);
  }
  return false;
}

void Changer::mark() {
  for (unsigned i = 0; i + 1 < hash_.labels(); ++i) {
    index_.home(hash_.of(i))->note_deeper(hash_.of(i));
  }
  if (hash_.labels() == 1) index_.note_top_level(hash_.top_level());
}

bool Changer::insert(std::int32_t place) {
  const std::uint64_t hash = hash_.of(hash_.labels() - 1);
  Bucket* at = index_.home(hash);
  for (std::uint32_t step = 0; step < SuffixIndex::kMaxSteps; ++step) {
    const unsigned slot = at->find(0);
    if (slot < Bucket::kSlots) {
      at->tags[slot] = tag_of(hash);
      at->where[slot] = place;
      return true;
    }
    at->note_spilled(hash);
    at = index_.next(at);
  }
  return false;
}

bool Changer::change(std::string_view key, const std::optional<Entry>& before,
                     const std::optional<Entry>& after) {
  hash_.keep(0);
  // A key that is no name was not written by the build either.
  if (!hash_.add(key) || (!before && !after)) return true;
  constexpr std::int32_t kAsk = SuffixIndex::kAskLmdb;
  if (after) mark();
  const std::int32_t place = after ? index_.place(after->key, after->value) : kAsk;
  if (before) {
    const std::int32_t old_place = index_.place(before->key, before->value);
    if (old_place != kAsk && replace(old_place, after.has_value(), place)) return true;
  }
  // A slot without a place may serve several keys of one hash, so it stays as it is, whatever
  // becomes of them: whoever comes to it asks LMDB.
  if (replace(kAsk, true, kAsk)) return true;
  return !before && insert(place);
}

Result<std::unique_ptr<const SuffixIndex>> SuffixIndex::change(
    const SuffixIndex& from, const generation::Generation& before,
    const generation::Generation& after) {
  const std::uint64_t slots = std::uint64_t{from.bucket_count_} * Bucket::kSlots;
  const bool fits = after.header().entries * 100 <= slots * kMostPercent;
  if (before.base() != after.base() || from.anchor_ != after.first_key_of_base() ||
      from.anchor_ == nullptr || !fits) {
    return nullptr;
  }
  auto pages = memory::allocate_pages(from.bucket_count_ * sizeof(Bucket));
  if (!pages) return fail(pages.error());
  std::memcpy(pages->get(), from.pages_.get(), from.bucket_count_ * sizeof(Bucket));
  std::unique_ptr<SuffixIndex> index(new SuffixIndex());
  index->hash_ = from.hash_;
  index->bucket_count_ = from.bucket_count_;
  index->top_levels_ = from.top_levels_;
  index->any_top_level_ = from.any_top_level_;
  index->anchor_ = from.anchor_;
  index->pages_ = std::move(*pages);

  auto of_before = before.cursor();
  if (!of_before) return fail(of_before.error());
  auto of_after = after.cursor();
  if (!of_after) return fail(of_after.error());
  const auto changer = std::make_unique<Changer>(*index);
  // Of what neither overlay speaks, both say the same.
  const auto change_key = [&](std::string_view key) {
    return changer->change(key, of_before->entry(key), of_after->entry(key));
  };
  const generation::Overlay* const old_overlay = before.overlay();
  const generation::Overlay* const new_overlay = after.overlay();
  for (std::size_t i = 0; old_overlay != nullptr && i < old_overlay->size(); ++i) {
    const std::string_view key = (*old_overlay)[i].key;
    if (new_overlay != nullptr && new_overlay->find(key)) continue;
    if (!change_key(key)) return nullptr;
  }
  for (std::size_t i = 0; new_overlay != nullptr && i < new_overlay->size(); ++i) {
    if (!change_key((*new_overlay)[i].key)) return nullptr;
  }
  return std::unique_ptr<const SuffixIndex>(std::move(index));
}

}  // namespace sluice::index
