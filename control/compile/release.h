// What a verified release consists of: the signed facts that the compiler needs, without the
// signatures. Kept as release.json beside the list files, so that a generation can be compiled
// again, with another policy or at another time, without asking a mirror.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/tuf/json.h"
#include "control/tuf/time.h"

namespace sluice::compile {

inline constexpr std::uint64_t kMaxEntries = 50'000'000;
inline constexpr std::string_view kEmergency = "emergency";

struct ListFile {
  std::string path;            // "lists/police/full.cpl.zst"
  std::uint64_t length = 0;    // packed
  std::string sha256;          // packed
  std::string content_sha256;  // unpacked

  /// Its name in the folder of retained files.
  [[nodiscard]] std::string stored_name() const;
  /// Its name on a mirror, under "targets/".
  [[nodiscard]] std::string remote_path() const;
};

inline constexpr std::uint64_t kMillion = 1'000'000;

/// A planned mass change, signed with the list; ratios in millionths.
struct BulkChange {
  std::uint64_t min_ratio = kMillion;
  std::optional<std::uint64_t> max_ratio;
  std::string order;
  std::string reason;
};

/// The signed changes from one full list to a later one.
struct DeltaFile {
  ListFile file;  // its content_sha256 is not signed, so it is empty
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::string from_sha256;  // of the unpacked full lists
  std::string to_sha256;
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
};

struct ReleaseList {
  std::string department;  // "police", "emergency"
  std::uint64_t role_version = 0;
  tuf::Time role_expires{};
  std::uint64_t seq = 0;
  std::uint64_t entries = 0;
  ListFile full;
  ListFile orders;
  std::optional<BulkChange> bulk_change;
  // A shorter way to `full`, of no account once it is there; so they are in no release.json.
  std::vector<DeltaFile> deltas;
  // The file in the folder of retained lists, where that is not the signed one but made by a delta.
  std::string made_file;

  /// Where the full list is, in the folder of retained files.
  [[nodiscard]] std::string full_file() const {
    return made_file.empty() ? full.stored_name() : made_file;
  }
};

struct Release {
  std::uint64_t root_version = 0;
  std::uint64_t timestamp_version = 0;
  std::uint64_t snapshot_version = 0;
  std::string snapshot_sha256;
  std::uint64_t targets_version = 0;
  bool may_have_emergencies = false;  // there is a role for them
  tuf::Time expires{};                // the earliest of snapshot, targets and the lists' roles
  std::vector<ReleaseList> lists;
  std::vector<ListFile> policy;  // guards, taxonomy, names: of the top role; without content hashes

  [[nodiscard]] const ReleaseList* find(std::string_view department) const;
};

/// The signed `custom.cpl` of a full list. `where` names it in errors.
[[nodiscard]] Status read_custom(const tuf::Json& custom, const std::string& where,
                                 ReleaseList& into);

/// The signed `custom.cpl` of a delta.
[[nodiscard]] Result<DeltaFile> read_delta_custom(const tuf::Json& custom,
                                                  const std::string& where);

[[nodiscard]] tuf::Json to_json(const Release& release);
[[nodiscard]] Result<Release> release_from_json(std::string_view bytes, const std::string& where);

}  // namespace sluice::compile
