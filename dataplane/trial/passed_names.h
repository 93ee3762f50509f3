// Which names passed lately, so that a release can be asked before it runs what it would block
// here: one name now and then, as keyed hashes of its suffixes. No octet of a name, nobody who
// asked, no time; under a key that is drawn at each start and never leaves the process, as these do
// not: all that comes out of them is how many of them a generation would block, by category.
//
// Thread safety: add() by one lcore; visit() by the control thread, which leaves the one aside that
// may just be written. Nothing allocates after construction.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "config/name/folded_name.h"
#include "dataplane/index/suffix_hash.h"

namespace sluice::trial {

/// A name of so many labels, by its suffixes of two labels and more, as far as there is room: what
/// is listed deeper does not meet it.
struct PassedName {
  static constexpr std::size_t kSuffixes = 7;
  std::uint64_t labels = 0;
  std::array<std::uint64_t, kSuffixes> suffixes{};  // [i]: of the i + 2 rightmost labels

  [[nodiscard]] std::size_t size() const {
    return labels < 2 ? 0 : std::min<std::size_t>(labels - 1, kSuffixes);
  }
};

/// The hash that all of a process's are made with, of its secret.
[[nodiscard]] inline index::SuffixHash passed_hash(std::uint64_t secret) {
  // splitmix64; a value of it shows none of the others.
  auto next = [state = secret ^ 0x5e1ec7ed7a55edU]() mutable {
    std::uint64_t z = state += 0x9e3779b97f4a7c15U;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return z ^ z >> 31;
  };
  index::SuffixHash::Key key;
  for (std::uint64_t& point : key.point) point = next();
  key.multiplier = next();
  return index::SuffixHash(key);
}

class PassedNames {
 public:
  static constexpr std::size_t kNames = 4096;

  // Zero pages, which take no memory until they are written to.
  explicit PassedNames(std::uint64_t secret)
      : hash_(passed_hash(secret)),
        names_(static_cast<Words*>(std::calloc(kNames, sizeof(Words)))) {
    if (!names_) std::abort();
  }

  void add(const name::FoldedName& name) {
    const std::uint64_t at = added_.load(std::memory_order_relaxed);
    Words& words = names_[at % kNames];
    put(words[0], name.label_count);
    index::SuffixHash::State state = index::SuffixHash::kRoot;
    std::size_t octets = 0;
    for (std::size_t i = 0; i < PassedName::kSuffixes; ++i) {
      const auto labels = static_cast<unsigned>(i + 2);
      if (labels > name.label_count) break;
      state = hash_.extend(state, name.at(labels), name.length_of(labels) - octets);
      octets = name.length_of(labels);
      put(words[i + 1], hash_.finish(state));
    }
    added_.store(at + 1, std::memory_order_release);
  }

  /// Those that were added last, `most` of them at most.
  template <class Visitor>
  void visit(std::size_t most, Visitor visitor) const {
    const std::uint64_t end = added_.load(std::memory_order_acquire);
    const std::uint64_t count = std::min<std::uint64_t>({end, most, kNames - 1});
    for (std::uint64_t at = end - count; at < end; ++at) {
      const Words& words = names_[at % kNames];
      PassedName name{.labels = get(words[0])};
      for (std::size_t i = 0; i < name.size(); ++i) name.suffixes[i] = get(words[i + 1]);
      visitor(name);
    }
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  using Words = std::array<std::uint64_t, 1 + PassedName::kSuffixes>;
  static void put(std::uint64_t& word, std::uint64_t value) {
    std::atomic_ref(word).store(value, std::memory_order_relaxed);
  }
  static std::uint64_t get(const std::uint64_t& word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
  }

  index::SuffixHash hash_;
  std::unique_ptr<Words[], Free> names_;
  std::atomic<std::uint64_t> added_{0};
};

}  // namespace sluice::trial
