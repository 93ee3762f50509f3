// The last steps of a release: snapshot, log, proof, timestamp.
#include <algorithm>

#include "config/files/file.h"
#include "control/tuf/digest.h"
#include "tools/sluice-authority/log_ask.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/next_roles.h"
#include "tools/sluice-authority/publish.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

/// A number that no file has yet: what a client may have in its cache never changes.
std::uint64_t free_version(const Workspace& workspace, std::uint64_t after) {
  std::uint64_t version = after + 1;
  while (std::filesystem::exists(metadata_path(workspace, version, "snapshot"))) ++version;
  return version;
}

/// Whether appliances will believe the proof: by the policy that they have and by the next one.
Status check_quorum(const Workspace& workspace, LogHead& head) {
  auto policies = signed_log_policies(workspace);
  if (!policies) return fail(policies.error());
  auto told = ask_witnesses(workspace, head, *policies);
  if (!told) return fail(told.error());
  for (const tlog::LogPolicy& policy : *policies) {
    auto believed = policy.check(head.note, (log_folder(workspace) / "checkpoint").string());
    if (believed) continue;
    Error error = believed.error();
    for (const std::string& one : *told) error.what += "; " + one;
    error.advice =
        "appliances keep the last release until enough witnesses have cosigned this one: let them "
        "run sluice-authority log witness, add what it gives with sluice-authority log cosign, and "
        "publish again";
    return fail(std::move(error));
  }
  return {};
}

/// Writes the proof beside the snapshot; what its index in the log is, where there is a log.
Result<std::optional<std::uint64_t>> prove(const Workspace& workspace, std::uint64_t snapshot) {
  auto head = read_log(workspace);
  if (!head) return fail(head.error());
  if (!*head) return std::nullopt;
  const auto path = metadata_path(workspace, snapshot, "snapshot").replace_extension("tlog-proof");
  auto last = last_logged(workspace, **head);
  if (!last) return fail(last.error());
  if (!*last || (*last)->version != snapshot) {
    return fail("the snapshot is not what was logged last", path.string(), "publish again");
  }
  if (auto status = check_quorum(workspace, **head); !status) return fail(status.error());
  auto proof = last_proof(workspace, **head);
  if (!proof) return fail(proof.error());
  if (auto status = files::write_atomic(path, *proof); !status) return fail(status.error());
  return (*head)->checkpoint.size - 1;
}

}  // namespace

Result<std::uint64_t> write_release(const Workspace& workspace, const tuf::Root& root,
                                    tuf::Json meta, std::uint64_t after) {
  const std::uint64_t version = free_version(workspace, after);
  tuf::Json snapshot = document("snapshot", version, workspace.clock() + workspace.expiry.snapshot);
  snapshot["meta"] = std::move(meta);
  tuf::Json listed;
  auto status = sign_and_write(workspace, "snapshot", root.roles.at("snapshot"), snapshot,
                               metadata_path(workspace, version, "snapshot"), listed);
  if (!status) return fail(status.error());
  auto head = read_log(workspace);
  if (!head) return fail(head.error());
  if (*head) {
    const auto sha256 = listed["hashes"]["sha256"].get<std::string>();
    auto grown = append_release(workspace, **head, {version, sha256});
    if (!grown) return fail(grown.error());
  }
  return version;
}

Result<Announced> announce(const Workspace& workspace, const tuf::Root& root,
                           std::uint64_t snapshot, std::uint64_t last_timestamp) {
  auto bytes =
      files::read_bounded(metadata_path(workspace, snapshot, "snapshot"), tuf::kMaxSnapshotOctets);
  if (!bytes) return fail(bytes.error());
  auto logged = prove(workspace, snapshot);
  if (!logged) return fail(logged.error());
  // Right before the timestamp: where the timestamp's key is a new one, appliances that come
  // between the two refuse what they find, and ask again.
  if (auto status = install_root(workspace, root.version); !status) return fail(status.error());
  const std::uint64_t version = last_timestamp + 1;
  const tuf::Time now = workspace.clock();
  tuf::Json timestamp = document("timestamp", version, now + workspace.expiry.timestamp);
  timestamp["issued"] = tuf::to_text(now);  // what appliances without a clock go by
  timestamp["meta"]["snapshot.json"] = meta_of(snapshot, *bytes);
  tuf::Json ignored;
  auto status = sign_and_write(workspace, "timestamp", root.roles.at("timestamp"), timestamp,
                               workspace.metadata() / "timestamp.json", ignored);
  if (!status) return fail(status.error());
  return Announced{version, *logged};
}

}  // namespace sluice::authority
