// Builds the index in one walk over the entries. They come in the order of their keys, so the
// hashes of the labels that an entry has in common with the one before are at hand.
#include <algorithm>
#include <cerrno>
#include <sys/random.h>

#include "dataplane/index/key_hash.h"
#include "dataplane/index/suffix_index.h"

namespace sluice::index {

class Builder {
 public:
  explicit Builder(SuffixIndex& index) : index_(index), hash_(index.hash_) {}

  void add(std::string_view key, std::string_view value);
  /// False where an entry found no bucket near its place.
  bool finish();

 private:
  /// Something to write into a bucket, which is fetched in the meantime.
  struct Pending {
    std::uint64_t hash;
    std::int32_t where;
    bool is_entry;  // else: something is listed below
  };

  void keep_common(std::string_view key);
  void defer(std::uint64_t hash, std::int32_t where, bool is_entry);
  void write(const Pending& pending);

  SuffixIndex& index_;
  std::string_view previous_;
  KeyHash hash_;
  unsigned marked_ = 0;  // of so many of them it is written that something is listed below
  std::array<Pending, 64> pending_;
  std::size_t pending_count_ = 0;
  bool full_ = false;
};

void Builder::add(std::string_view key, std::string_view value) {
  if (index_.anchor_ == nullptr) index_.anchor_ = key.data();
  keep_common(key);
  // A key that is no name can match none.
  if (!hash_.add(key)) return;
  const unsigned last = hash_.labels() - 1;
  for (; marked_ < last; ++marked_) defer(hash_.of(marked_), 0, false);
  defer(hash_.of(last), index_.place(key, value), true);
  if (last == 0) index_.note_top_level(hash_.top_level());
}

bool Builder::finish() {
  for (std::size_t i = 0; i < pending_count_; ++i) write(pending_[i]);
  pending_count_ = 0;
  return !full_;
}

void Builder::keep_common(std::string_view key) {
  const auto same = static_cast<std::size_t>(
      std::mismatch(key.begin(), key.end(), previous_.begin(), previous_.end()).first -
      key.begin());
  hash_.keep(same);
  marked_ = std::min(marked_, hash_.labels());
  previous_ = key;
}

// Half the length of the way from the anchor, if the node is as SuffixIndex::entry_at() reads it. A
// value that LMDB put on a page of its own is not, nor is anything 4 GB away.
std::int32_t SuffixIndex::place(std::string_view key, std::string_view value) const {
  std::uint32_t value_octets;
  std::uint16_t key_octets;
  std::memcpy(&value_octets, key.data() - 8, sizeof value_octets);
  std::memcpy(&key_octets, key.data() - 2, sizeof key_octets);
  const std::ptrdiff_t way = key.data() - anchor_;
  const bool plain = value.data() == key.data() + key.size() && value_octets == value.size() &&
                     key_octets == key.size() && way % 2 == 0;
  const bool near = way / 2 > kAskLmdb && way / 2 <= INT32_MAX;
  return plain && near ? static_cast<std::int32_t>(way / 2) : kAskLmdb;
}

void Builder::defer(std::uint64_t hash, std::int32_t where, bool is_entry) {
  pending_[pending_count_++] = {hash, where, is_entry};
  __builtin_prefetch(index_.home(hash), 1);
  if (pending_count_ == pending_.size()) finish();
}

void Builder::write(const Pending& pending) {
  Bucket* at = index_.home(pending.hash);
  if (!pending.is_entry) {
    at->note_deeper(pending.hash);
    return;
  }
  for (std::uint32_t step = 0; step < SuffixIndex::kMaxSteps; ++step) {
    const unsigned slot = at->find(0);
    if (slot < Bucket::kSlots) {
      at->tags[slot] = tag_of(pending.hash);
      at->where[slot] = pending.where;
      return;
    }
    at->note_spilled(pending.hash);
    at = index_.next(at);
  }
  full_ = true;
}

namespace {

// Of the slots: 9.1 octets an entry. More room makes nothing faster; much less, and entries do not
// find a bucket within kMaxSteps.
constexpr std::uint64_t kFillPercent = 70;
constexpr int kAttempts = 4;

}  // namespace

Result<std::unique_ptr<const SuffixIndex>> SuffixIndex::build(
    const generation::Generation& generation, const SuffixHash::Key& key) {
  const std::uint64_t entries = generation.header().entries;
  const std::uint64_t count = entries * 100 / (Bucket::kSlots * kFillPercent) + 1;
  if (count > UINT32_MAX) return fail("too many entries for an index", std::to_string(entries));
  auto pages = memory::allocate_pages(count * sizeof(Bucket));
  if (!pages) return fail(pages.error());
  std::unique_ptr<SuffixIndex> index(new SuffixIndex());
  index->hash_ = SuffixHash(key);
  index->bucket_count_ = static_cast<std::uint32_t>(count);
  index->pages_ = std::move(*pages);
  index->anchor_ = generation.first_key_of_base();

  const auto builder = std::make_unique<Builder>(*index);
  std::uint64_t seen = 0;
  auto status = generation.for_each_entry([&](std::string_view name, std::string_view value) {
    builder->add(name, value);
    ++seen;
  });
  if (!status) return fail(status.error());
  if (seen != entries) return fail("entries are missing", generation.path().string());
  if (!builder->finish()) {
    return fail("too many names in one place of the index", generation.path().string());
  }
  return std::unique_ptr<const SuffixIndex>(std::move(index));
}

Result<std::unique_ptr<const SuffixIndex>> SuffixIndex::build(
    const generation::Generation& generation) {
  for (int attempt = 1;; ++attempt) {
    SuffixHash::Key key;
    if (getrandom(&key, sizeof key, 0) != sizeof key) {
      return fail("the kernel gives no random numbers");
    }
    auto index = build(generation, key);
    // Next to impossible, and a matter of the key.
    if (index || attempt == kAttempts) return index;
  }
}

}  // namespace sluice::index
