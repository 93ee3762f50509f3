// Designs that the index was chosen over, and LMDB itself, for index_bench to compare. All answer
// exactly: a filter's yes is asked of LMDB.
//
// Thread safety: none.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <rte_hash.h>
#include <rte_member.h>
#include <span>
#include <vector>

#include "dataplane/index/bucket.h"
#include "dataplane/index/lookup.h"
#include "dataplane/memory/pages.h"
#include "dataplane/index/suffix_hash.h"

namespace sluice::bench {

using generation::Answer;
using generation::Cursor;
using generation::Generation;
using index::Bucket;
using index::SuffixHash;
using index::tag_of;
using name::FoldedName;
using Names = std::span<const FoldedName>;

constexpr std::size_t kGroup = 32;
constexpr SuffixHash::Key kKey{{0x2b7e151628aed2a6, 0x9e3779b97f4a7c15, 0x3243f6a8885a308d},
                               0xabf7158809cf4f3c};

class Design {
 public:
  virtual ~Design() = default;
  virtual void find(Names names, std::span<Answer> answers) const = 0;
  [[nodiscard]] virtual std::size_t octets() const = 0;
};

/// Calls take(hash, key, value) for each entry; keys are hashed whole, suffix by suffix.
template <class Take>
void for_each_hash(const Generation& generation, const SuffixHash& hash, Take take) {
  const auto status = generation.for_each_entry([&](std::string_view key, std::string_view value) {
    FoldedName name;
    if (name::fold_text(name::from_reversed_key(key), name) != name::Defect::none) std::abort();
    SuffixHash::State state = SuffixHash::kRoot;
    for (unsigned label = 1; label <= name.label_count; ++label) {
      state = hash.extend(state, name.at(label), name.label(label).size() + 1);
    }
    take(hash.finish(state), key, value);
  });
  if (!status) std::abort();
}

/// (d) LMDB, asked for each name.
class Lmdb final : public Design {
 public:
  explicit Lmdb(const Generation& generation) : cursor_(*generation.cursor()) {}
  void find(Names names, std::span<Answer> answers) const override {
    for (std::size_t i = 0; i < names.size(); ++i) answers[i] = cursor_.find(name::LookupName(names[i]));
  }
  [[nodiscard]] std::size_t octets() const override { return 0; }

 private:
  Cursor cursor_;
};

/// What the dataplane uses.
class Index final : public Design {
 public:
  explicit Index(const Generation& generation)
      : index_(std::move(*index::SuffixIndex::build(generation))),
        lookup_(*index_, *generation.cursor()) {}
  void find(Names names, std::span<Answer> answers) const override { lookup_.find(names, answers); }
  [[nodiscard]] std::size_t octets() const override { return index_->octets(); }
  [[nodiscard]] const index::Lookup& lookup() const { return lookup_; }

 private:
  std::unique_ptr<const index::SuffixIndex> index_;
  index::Lookup lookup_;
};

/// Hashes of all suffixes of a group of names, and whose they are.
struct Suffixes {
  std::array<std::uint64_t, kGroup * name::kMaxLabels> hashes;
  std::array<std::uint8_t, kGroup * name::kMaxLabels> owners;
  std::size_t count = 0;

  Suffixes(Names names, const SuffixHash& hash) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      SuffixHash::State state = SuffixHash::kRoot;
      for (unsigned label = 1; label <= names[i].label_count; ++label) {
        state = hash.extend(state, names[i].at(label), names[i].label(label).size() + 1);
        hashes[count] = hash.finish(state);
        owners[count++] = static_cast<std::uint8_t>(i);
      }
    }
  }
};

/// (a) A filter over all keys; where a suffix may be listed, LMDB answers. `Filter` has
/// prefetch(hash), has(hash) and octets().
template <class Filter>
class Filtered final : public Design {
 public:
  explicit Filtered(const Generation& generation) : cursor_(*generation.cursor()) {
    std::vector<std::uint64_t> hashes;
    for_each_hash(generation, hash_, [&](std::uint64_t hash, std::string_view, std::string_view) {
      hashes.push_back(hash);
    });
    filter_ = std::make_unique<Filter>(std::move(hashes));
  }
  void find(Names names, std::span<Answer> answers) const override {
    const Suffixes suffixes(names, hash_);
    for (std::size_t i = 0; i < suffixes.count; ++i) filter_->prefetch(suffixes.hashes[i]);
    std::array<bool, kGroup> listed{};
    filter_->test(suffixes, listed);
    for (std::size_t i = 0; i < names.size(); ++i) {
      answers[i] = listed[i] ? cursor_.find(name::LookupName(names[i])) : Answer{};
    }
  }
  [[nodiscard]] std::size_t octets() const override { return filter_->octets(); }

 private:
  SuffixHash hash_{kKey};
  Cursor cursor_;
  std::unique_ptr<Filter> filter_;
};

/// Binary fuse filter of three segments (Graf and Lemire, 2022), with fingerprints of 16 bits.
class Fuse {
 public:
  explicit Fuse(std::vector<std::uint64_t> hashes) {
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    const double n = std::max<double>(2, static_cast<double>(hashes.size()));
    segment_ = 1U << static_cast<unsigned>(std::log(n) / std::log(3.33) + 2.25);
    const double factor = std::max(1.125, 0.875 + 0.25 * std::log(1e6) / std::log(n));
    segments_ = static_cast<std::uint32_t>(n * factor) / segment_ + 1;
    size_ = std::size_t{segments_ + 2} * segment_;
    pages_ = std::move(*memory::allocate_pages(size_ * 2));
    while (!construct(hashes)) ++seed_;
  }
  void prefetch(std::uint64_t hash) const {
    for (const std::uint32_t at : places(hash)) __builtin_prefetch(&cells()[at]);
  }
  void test(const Suffixes& suffixes, std::span<bool, kGroup> listed) const {
    for (std::size_t i = 0; i < suffixes.count; ++i) {
      const auto at = places(suffixes.hashes[i]);
      const unsigned sum = cells()[at[0]] ^ cells()[at[1]] ^ cells()[at[2]];
      listed[suffixes.owners[i]] |= sum == fingerprint(suffixes.hashes[i]);
    }
  }
  [[nodiscard]] std::size_t octets() const { return pages_.get_deleter().octets; }

 private:
  [[nodiscard]] std::uint16_t* cells() const { return static_cast<std::uint16_t*>(pages_.get()); }
  [[nodiscard]] std::uint64_t mix(std::uint64_t hash) const {
    const std::uint64_t z = (hash + seed_ * 0x9e3779b97f4a7c15U) * 0xbf58476d1ce4e5b9U;
    return z ^ (z >> 32);
  }
  [[nodiscard]] std::uint16_t fingerprint(std::uint64_t hash) const {
    return static_cast<std::uint16_t>(mix(hash) * 0x94d049bb133111ebU >> 48);
  }
  [[nodiscard]] std::array<std::uint32_t, 3> places(std::uint64_t hash) const {
    const std::uint64_t z = mix(hash);
    const auto first =
        static_cast<std::uint32_t>((z >> 32) * (std::uint64_t{segments_} * segment_) >> 32);
    const std::uint32_t mask = segment_ - 1;
    return {first, (first + segment_) ^ (static_cast<std::uint32_t>(z >> 18) & mask),
            (first + 2 * segment_) ^ (static_cast<std::uint32_t>(z) & mask)};
  }
  bool construct(const std::vector<std::uint64_t>& hashes) {
    std::vector<std::uint64_t> sums(size_);
    std::vector<std::uint32_t> counts(size_);
    for (const std::uint64_t hash : hashes) {
      for (const std::uint32_t at : places(hash)) {
        sums[at] ^= hash;
        ++counts[at];
      }
    }
    std::vector<std::uint32_t> alone;
    for (std::uint32_t at = 0; at < size_; ++at) {
      if (counts[at] == 1) alone.push_back(at);
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    while (!alone.empty()) {
      const std::uint32_t cell = alone.back();
      alone.pop_back();
      if (counts[cell] != 1) continue;
      const std::uint64_t hash = sums[cell];
      order.emplace_back(hash, cell);
      for (const std::uint32_t at : places(hash)) {
        sums[at] ^= hash;
        if (--counts[at] == 1) alone.push_back(at);
      }
    }
    if (order.size() != hashes.size()) return false;
    std::fill(cells(), cells() + size_, std::uint16_t{0});
    std::reverse(order.begin(), order.end());
    for (const auto& [hash, cell] : order) {
      unsigned sum = fingerprint(hash);
      for (const std::uint32_t at : places(hash)) sum ^= cells()[at];
      cells()[cell] = static_cast<std::uint16_t>(sum);
    }
    return true;
  }

  std::uint32_t segment_ = 0;
  std::uint32_t segments_ = 0;
  std::size_t size_ = 0;
  std::uint64_t seed_ = 1;
  memory::Pages pages_;
};

/// DPDK's set summary, as a filter: rte_member's hash table mode.
class Member {
 public:
  explicit Member(const std::vector<std::uint64_t>& hashes) {
    const auto keys =
        static_cast<std::uint32_t>(std::max<std::size_t>(hashes.size(), 64) * 12 / 10);
    rte_member_parameters parameters{};
    parameters.name = "bench";
    parameters.type = RTE_MEMBER_TYPE_HT;
    parameters.num_keys = keys;
    parameters.key_len = 8;
    parameters.prim_hash_seed = 1;
    parameters.sec_hash_seed = 2;
    set_.reset(rte_member_create(&parameters));
    if (!set_) std::abort();
    for (const std::uint64_t hash : hashes) {
      if (rte_member_add(set_.get(), &hash, 1) < 0) std::abort();
    }
    octets_ = std::bit_ceil(keys / 16) * 64;
  }
  void prefetch(std::uint64_t) const {}  // the bulk look-up does
  void test(const Suffixes& suffixes, std::span<bool, kGroup> listed) const {
    for (std::size_t at = 0; at < suffixes.count; at += RTE_MEMBER_LOOKUP_BULK_MAX) {
      const std::size_t n = std::min<std::size_t>(suffixes.count - at, RTE_MEMBER_LOOKUP_BULK_MAX);
      std::array<const void*, RTE_MEMBER_LOOKUP_BULK_MAX> keys;
      std::array<member_set_t, RTE_MEMBER_LOOKUP_BULK_MAX> found;
      for (std::size_t i = 0; i < n; ++i) keys[i] = &suffixes.hashes[at + i];
      rte_member_lookup_bulk(set_.get(), keys.data(), static_cast<std::uint32_t>(n), found.data());
      for (std::size_t i = 0; i < n; ++i) {
        listed[suffixes.owners[at + i]] |= found[i] != RTE_MEMBER_NO_MATCH;
      }
    }
  }
  [[nodiscard]] std::size_t octets() const { return octets_; }

 private:
  struct Free {
    void operator()(rte_member_setsum* set) const { rte_member_free(set); }
  };
  std::unique_ptr<rte_member_setsum, Free> set_;
  std::size_t octets_ = 0;
};

/// DPDK's hash table of 64-bit digests, as a filter.
class RteHash {
 public:
  explicit RteHash(const std::vector<std::uint64_t>& hashes) {
    const auto keys = static_cast<std::uint32_t>(std::max<std::size_t>(hashes.size(), 64) * 5 / 4);
    rte_hash_parameters parameters{};
    parameters.name = "bench";
    parameters.entries = keys;
    parameters.key_len = 8;
    table_.reset(rte_hash_create(&parameters));
    if (!table_) std::abort();
    for (const std::uint64_t hash : hashes) {
      if (rte_hash_add_key(table_.get(), &hash) < 0) std::abort();
    }
    // Buckets of 64 octets for eight, a key slot of 16 and a ring's cell of 4 for each.
    octets_ = std::bit_ceil(keys) * 8 + std::size_t{keys} * 16 + std::bit_ceil(keys) * 4;
  }
  void prefetch(std::uint64_t) const {}
  void test(const Suffixes& suffixes, std::span<bool, kGroup> listed) const {
    for (std::size_t at = 0; at < suffixes.count; at += RTE_HASH_LOOKUP_BULK_MAX) {
      const std::size_t n = std::min<std::size_t>(suffixes.count - at, RTE_HASH_LOOKUP_BULK_MAX);
      std::array<const void*, RTE_HASH_LOOKUP_BULK_MAX> keys;
      std::array<std::int32_t, RTE_HASH_LOOKUP_BULK_MAX> found;
      for (std::size_t i = 0; i < n; ++i) keys[i] = &suffixes.hashes[at + i];
      rte_hash_lookup_bulk(table_.get(), keys.data(), static_cast<std::uint32_t>(n), found.data());
      for (std::size_t i = 0; i < n; ++i) listed[suffixes.owners[at + i]] |= found[i] >= 0;
    }
  }
  [[nodiscard]] std::size_t octets() const { return octets_; }

 private:
  struct Free {
    void operator()(rte_hash* table) const { rte_hash_free(table); }
  };
  std::unique_ptr<rte_hash, Free> table_;
  std::size_t octets_ = 0;
};

/// (b) The same buckets, but every suffix has its line fetched and looked at.
class AllSuffixes final : public Design {
 public:
  explicit AllSuffixes(const Generation& generation) : cursor_(*generation.cursor()) {
    count_ = static_cast<std::uint32_t>(generation.header().entries * 100 / 700 + 1);
    pages_ = std::move(*memory::allocate_pages(std::size_t{count_} * 64));
    for_each_hash(generation, hash_,
                  [&](std::uint64_t hash, std::string_view key, std::string_view) {
                    if (anchor_ == nullptr) anchor_ = key.data();
                    insert(hash, (key.data() - anchor_) / 2);
                  });
  }

  void find(Names names, std::span<Answer> answers) const override {
    const Suffixes suffixes(names, hash_);
    for (std::size_t i = 0; i < suffixes.count; ++i) __builtin_prefetch(home(suffixes.hashes[i]));
    std::array<std::pair<std::uint8_t, std::int32_t>, kGroup> candidates{};
    unsigned labels = 0;
    for (std::size_t i = 0; i < suffixes.count; ++i) {
      const std::uint8_t owner = suffixes.owners[i];
      labels = i == 0 || suffixes.owners[i - 1] != owner ? 1 : labels + 1;
      if (probe(suffixes.hashes[i], candidates[owner].second)) {
        candidates[owner].first = static_cast<std::uint8_t>(labels);
        __builtin_prefetch(anchor_ + std::ptrdiff_t{candidates[owner].second} * 2);
      }
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      answers[i] = candidates[i].first == 0 ? Answer{} : answer(names[i], candidates[i]);
    }
  }
  [[nodiscard]] std::size_t octets() const override { return pages_.get_deleter().octets; }

 private:
  [[nodiscard]] Bucket* buckets() const { return static_cast<Bucket*>(pages_.get()); }
  [[nodiscard]] Bucket* home(std::uint64_t hash) const {
    return buckets() + ((hash >> 32) * count_ >> 32);
  }
  [[nodiscard]] Bucket* next(Bucket* at) const {
    return at + 1 == buckets() + count_ ? buckets() : at + 1;
  }
  void insert(std::uint64_t hash, std::ptrdiff_t where) {
    for (Bucket* at = home(hash);; at = next(at)) {
      if (const unsigned slot = at->find(0); slot < Bucket::kSlots) {
        at->tags[slot] = tag_of(hash);
        at->where[slot] = static_cast<std::int32_t>(where);
        return;
      }
      at->note_spilled(hash);
    }
  }
  bool probe(std::uint64_t hash, std::int32_t& where) const {
    for (Bucket* at = home(hash);; at = next(at)) {
      if (const unsigned slot = at->find(tag_of(hash)); slot < Bucket::kSlots) {
        where = at->where[slot];
        return true;
      }
      if (!at->may_have_spilled(hash)) return false;
    }
  }
  Answer answer(const FoldedName& name, std::pair<std::uint8_t, std::int32_t> candidate) const {
    const char* const key = anchor_ + std::ptrdiff_t{candidate.second} * 2;
    std::uint16_t key_octets;
    std::uint32_t value_octets;
    std::memcpy(&key_octets, key - 2, 2);
    std::memcpy(&value_octets, key - 8, 4);
    if (!name::is_key_of(name, candidate.first, {key, key_octets})) {
      return cursor_.find(name::LookupName(name));
    }
    const auto entry = generation::EntryView::decode({key + key_octets, value_octets});
    const auto flat = entry->flat(candidate.first < name.label_count);
    return {flat.categories, flat.is_protected, flat.emergency, flat.local_allow, candidate.first};
  }

  SuffixHash hash_{kKey};
  Cursor cursor_;
  std::uint32_t count_ = 0;
  const char* anchor_ = nullptr;
  memory::Pages pages_;
};

}  // namespace sluice::bench
