// The repository: made once, then changed only by publish(), whose last step is the timestamp, so
// that a client sees the old release or the new one and never a mixture.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/retire.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// Makes keys, root, delegations to every department of the taxonomy, a log of this name, and an
/// empty first release. Refuses a folder that holds an authority already. Keys that do not sign
/// unattended are encrypted, unless the passphrase is empty.
[[nodiscard]] Status create_authority(const Workspace& workspace, const std::string& log_origin,
                                      std::string_view passphrase);

struct PublishReport {
  std::vector<std::string> departments;  // whose new lists were published
  std::uint64_t snapshot = 0;
  std::uint64_t timestamp = 0;
  std::optional<std::uint64_t> logged;  // its index in the log; nothing where there is no log
  Retired retired;
  std::optional<Error> not_retired;  // why what no release names any more is still there
};

/// Signs and logs a snapshot of these documents under a number after `after`, which is the result.
/// It is not announced yet: no client looks at it. `root` says whose keys sign, here and below.
[[nodiscard]] Result<std::uint64_t> write_release(const Workspace& workspace, const tuf::Root& root,
                                                  tuf::Json meta, std::uint64_t after);

struct Announced {
  std::uint64_t timestamp = 0;
  std::optional<std::uint64_t> logged;
};

/// Writes the snapshot's proof, the root that is staged, and then the timestamp that leads to both.
/// Fails, and changes nothing, while the log's witnesses are no quorum.
[[nodiscard]] Result<Announced> announce(const Workspace& workspace, const tuf::Root& root,
                                         std::uint64_t snapshot, std::uint64_t last_timestamp);

/// Publishes what is staged, each document checked against its role's threshold first, in a new
/// snapshot, if there is something new or the last one is in the second half of its life, and signs
/// the timestamp anew. What waits for witnesses is announced when they have come. What no release
/// has named for `keep` (see retire_after()) leaves the repository.
[[nodiscard]] Result<PublishReport> publish(const Workspace& workspace,
                                            std::chrono::hours keep = {});

}  // namespace sluice::authority
