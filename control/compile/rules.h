// The signed rules by which lists are guarded: the top role's targets policy/guards.yaml,
// policy/taxonomy.yaml, policy/protected.cpl.zst and policy/popular.cpl.zst. Where the authority
// has signed none, the bounds of docs/LISTS.md hold, and no name is protected.
//
// Thread safety: one thread per Rules.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/compile/cpl.h"
#include "control/compile/orders.h"
#include "control/compile/release.h"

namespace sluice::compile {

/// What of the top role's targets an appliance reads.
inline constexpr std::string_view kGuardsFile = "policy/guards.yaml";
inline constexpr std::string_view kTaxonomyFile = "policy/taxonomy.yaml";
inline constexpr std::string_view kProtectedFile = "policy/protected.cpl.zst";
inline constexpr std::string_view kPopularFile = "policy/popular.cpl.zst";
inline constexpr std::string_view kLayersFile =
    "policy/layers.yaml";  // schema::add_signed_layers()
[[nodiscard]] bool is_policy_file(std::string_view path);
inline constexpr std::uint64_t kMaxPolicyOctets = 1 << 22;  // of one file, packed

/// Names that are asked about in ascending order, mostly.
class NameSet {
 public:
  struct Entry {
    std::string key;  // reversed
    generation::Scope scope = generation::Scope::tree;
  };
  /// In any order; those that another one covers are left out.
  explicit NameSet(std::vector<Entry> entries = {});

  /// Whether one of them is the name, or covers it.
  [[nodiscard]] bool covers(std::string_view key) const;
  /// Whether an entry of this scope at the name would reach one of them.
  [[nodiscard]] bool is_reached_by(std::string_view key, generation::Scope scope) const;
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  [[nodiscard]] std::size_t first_above(std::string_view key) const;

  std::vector<Entry> entries_;  // ascending
  mutable std::size_t last_ = 0;
};

struct Rules {
  // Ratios in millionths.
  std::uint64_t min_entries = 1000;  // of a list that the bounds are for
  std::uint64_t min_ratio = 800'000;
  std::uint64_t max_ratio = 1'500'000;
  std::uint64_t max_removed_ratio = 100'000;
  std::uint64_t max_lifted_ratio = 250'000;  // of what was blocked here lately
  std::uint64_t max_new_ratio = 100'000;     // of what passed here lately, that would be blocked
  NameSet protected_names;
  NameSet popular;
  NameSet public_suffixes;
  std::vector<std::string> must_hit;                // names that are listed whatever else changes
  std::vector<std::string> must_miss;               // and such as never are
  std::optional<std::set<std::string>> categories;  // that may be used; none: all of the taxonomy

  /// Why an entry is left out: "protected", "popular", "public-suffix"; empty where it stays.
  [[nodiscard]] std::string_view drops(const CplEntry& entry, const Order& order) const;
};

/// Reads the files of a release, each under its stored name in `folder`.
[[nodiscard]] Result<Rules> read_rules(const std::vector<ListFile>& files,
                                       const std::filesystem::path& folder);

/// Whether all orders are in categories that the signed taxonomy has.
[[nodiscard]] Status check_categories(const Rules& rules, const std::vector<Order>& orders,
                                      const std::string& where);

}  // namespace sluice::compile
