// What the repository says at this moment, read back from its own files: they are the only record
// of versions, so that a crash can never leave a second one that disagrees.
//
// Thread safety: plain values.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/release.h"
#include "control/tlog/policy.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct Published {
  tuf::Root root;
  tuf::Timestamp timestamp;
  tuf::Snapshot snapshot;
  tuf::Targets targets;
  std::map<std::string, tuf::Targets> lists;  // by department

  /// The published list of a department; nullopt where it has none.
  [[nodiscard]] std::optional<compile::ReleaseList> list(const std::string& department) const;
  [[nodiscard]] const tuf::DelegatedRole* role(const std::string& department) const;
};

/// The newest release that was made: the one to work on. It may wait for the log's witnesses.
[[nodiscard]] Result<Published> load_published(const Workspace& workspace);
/// The release that clients are led to.
[[nodiscard]] Result<Published> load_announced(const Workspace& workspace);

/// All files that its documents name, as paths below the repository.
[[nodiscard]] std::set<std::string> payload_paths(const Published& published);

/// By which log and witnesses a release says that it is to be believed; nullopt: by none.
[[nodiscard]] Result<std::optional<tlog::LogPolicy>> log_policy_of(const Workspace& workspace,
                                                                   const Published& published);
/// By which appliances believe the log: those that they have now, and those that come with the
/// newest release. Empty where the officials have signed none.
[[nodiscard]] Result<std::vector<tlog::LogPolicy>> signed_log_policies(const Workspace& workspace);

/// "metadata/7.targets.json" and the like, under the repository.
[[nodiscard]] std::filesystem::path metadata_path(const Workspace& workspace, std::uint64_t version,
                                                  const std::string& role);

}  // namespace sluice::authority
