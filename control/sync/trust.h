// What the appliance trusts between two runs: the root it was installed with or has rotated to, and
// the newest timestamp and snapshot it has seen, in whole, so that a later older one is known as a
// replay. Each file is replaced atomically.
//
// A stored timestamp or snapshot counts only while it verifies under the trusted root: when the
// authority replaces those keys, what the old ones signed is forgotten, which is how TUF 1.0
// section 5.3.11 recovers from a fast-forward attack.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/tuf/metadata.h"

namespace sluice::sync {

class Trust {
 public:
  /// `anchor`: the root.json that the operator installed. A changed anchor replaces the root that
  /// was trusted before: that is how an appliance is moved to another authority.
  [[nodiscard]] static Result<Trust> load(const std::filesystem::path& folder,
                                          const std::filesystem::path& anchor);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const tuf::Root& root() const { return root_; }
  [[nodiscard]] const std::optional<tuf::Timestamp>& timestamp() const { return timestamp_; }
  [[nodiscard]] const std::optional<tuf::Snapshot>& snapshot() const { return snapshot_; }

  // Each takes bytes that the caller has verified, stores them, and then trusts them.
  [[nodiscard]] Status accept_root(std::string_view bytes, tuf::Root root);
  [[nodiscard]] Status accept_timestamp(std::string_view bytes, tuf::Timestamp timestamp);
  [[nodiscard]] Status accept_snapshot(std::string_view bytes, tuf::Snapshot snapshot);

 private:
  explicit Trust(std::filesystem::path folder) : folder_(std::move(folder)) {}
  void forget_unverified();

  std::filesystem::path folder_;
  tuf::Root root_;
  std::optional<tuf::Timestamp> timestamp_;
  std::optional<tuf::Snapshot> snapshot_;
};

/// Parses and checks a root against its own keys, as an anchor or a stored root must be.
[[nodiscard]] Result<tuf::Root> read_root(std::string_view bytes, const std::string& where);

}  // namespace sluice::sync
