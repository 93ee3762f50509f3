// Search engines that answer for minors under another name, and which names are to be asked for so.
//
// Thread safety: immutable once built; may_hold() and find() allocate nothing and are safe on the
// data path.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/name/folded_name.h"
#include "config/policy/policy.h"

namespace sluice::policy {

/// The name to ask for at a level; never empty of an engine that a configuration gave.
[[nodiscard]] const std::string& safe_name(const SearchEngine& engine, SafeSearch level);
/// The engine that one of these names is; nullptr where there is none.
[[nodiscard]] const SearchEngine* engine_of(const std::vector<SearchEngine>& engines,
                                            std::string_view canonical_name);

class SafeSearchNames {
 public:
  SafeSearchNames() = default;
  explicit SafeSearchNames(const std::vector<SearchEngine>& engines);

  /// False of nearly all names that are no engine's; a few instructions.
  [[nodiscard]] bool may_hold(const name::FoldedName& name) const {
    const std::uint64_t at = place_of(name.at(name.label_count), name.length_of(name.label_count));
    return (filter_[at / 64] >> (at % 64) & 1) != 0;
  }
  /// The name to ask for at `level` in wire form, root label included; empty where the name is no
  /// engine's.
  [[nodiscard]] std::span<const std::uint8_t> find(const name::FoldedName& name,
                                                   SafeSearch level) const;

 private:
  static constexpr std::size_t kFilterBits = 4096;
  static_assert(name::FoldedName::kReadable >= 8);

  /// By the first octets of a name, length octets included, and how many there are: of what is
  /// behind a shorter one, nothing counts.
  static std::uint64_t place_of(const char* octets, std::size_t length) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets, sizeof word);
    if (length < sizeof word) word &= (std::uint64_t{1} << (8 * length)) - 1;
    return ((word + length) * 0x9e3779b97f4a7c15U) >> 52;
  }
  static_assert(kFilterBits == std::uint64_t{1} << (64 - 52));

  struct Entry {
    std::string name;  // wire form, but for the root label
    std::uint16_t engine = 0;
  };
  struct Targets {
    std::vector<std::uint8_t> strict;  // wire form
    std::vector<std::uint8_t> moderate;
  };

  std::array<std::uint64_t, kFilterBits / 64> filter_{};
  std::vector<Entry> entries_;  // by name
  std::vector<Targets> targets_;
};

}  // namespace sluice::policy
