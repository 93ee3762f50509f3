// The names that a site allows and blocks itself, each with who, why and until when. Kept in one
// file and a copy of it, synced before anything is done about a change, and touched by no update.
//
// Thread safety: plain values; whoever shares them locks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "config/policy/taxonomy.h"
#include "control/compile/local.h"
#include "control/tuf/time.h"

namespace sluice::site {

inline constexpr std::size_t kMaxEntries = 10'000;
/// A longer exception is renewed by a person who looks at it again.
inline constexpr std::chrono::hours kLongestAllow{24 * 366};

struct Entry {
  bool allow = false;
  std::string name;  // canonical
  generation::Scope scope = generation::Scope::tree;
  policy::CategoryMask categories = 0;  // that an allow lifts; of a block one
  std::string who;
  std::int64_t uid = -1;  // of the process that asked, as the kernel tells it
  std::string reason;
  tuf::Time at{};
  std::optional<tuf::Time> until;  // an allow always has one

  [[nodiscard]] bool applies(tuf::Time now) const { return !until || now < *until; }
};

/// No file: no entries. A damaged file gives way to its copy; `told` says so.
struct LoadedEntries {
  std::vector<Entry> entries;
  std::string told;
};
[[nodiscard]] Result<LoadedEntries> load_entries(const std::filesystem::path& folder);
[[nodiscard]] Status save_entries(const std::filesystem::path& folder,
                                  const std::vector<Entry>& entries);

/// Whether an entry may be made at all. `is_admin`: the process that asks is root's, or runs as
/// sluice-control does. `covering`: the categories that the authority lists the name in now.
[[nodiscard]] Status check_entry(const Entry& entry, policy::CategoryMask covering, bool is_admin,
                                 tuf::Time now);

/// Those that apply, as they go into a generation.
[[nodiscard]] compile::LocalContent content_of(const std::vector<Entry>& entries, tuf::Time now);

[[nodiscard]] nlohmann::json to_json(const Entry& entry);
/// "games", "video", …
[[nodiscard]] std::vector<std::string> names_of(policy::CategoryMask mask);

}  // namespace sluice::site
