#include "tools/sluice-authority/publish.h"

#include <algorithm>

#include "config/files/file.h"
#include "control/compile/release.h"
#include "control/sync/departments.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/next_roles.h"
#include "tools/sluice-authority/policy.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/signing.h"
#include "tools/sluice-authority/stage.h"

namespace sluice::authority {
namespace {

struct StagedRole {
  std::string department;
  std::string bytes;
  tuf::Targets targets;
};

/// A staged document that its role's threshold has signed. `again`: how another official signs.
Result<StagedRole> read_verified(const std::filesystem::path& path, const std::string& department,
                                 const tuf::KeyMap& keys, const tuf::RoleKeys& role,
                                 const std::string& again) {
  auto bytes = files::read_bounded(path, tuf::kMaxTargetsOctets);
  if (!bytes) return fail(bytes.error());
  auto envelope = tuf::parse_envelope(*bytes, path.string());
  if (!envelope) return fail(envelope.error());
  auto status = tuf::verify(*envelope, keys, role, path.string());
  if (!status) {
    Error error = status.error();
    error.advice = "have another official sign: sluice-authority sign " + again + " --key FILE";
    return fail(std::move(error));
  }
  auto targets = tuf::parse_targets(envelope->body, path.string());
  if (!targets) return fail(targets.error());
  return StagedRole{department, std::move(*bytes), std::move(*targets)};
}

Result<StagedRole> read_staged(const Workspace& workspace, const std::string& department,
                               const tuf::Targets& top) {
  const std::filesystem::path path = staged_document(workspace, department);
  const tuf::DelegatedRole* role = find_role(top, department);
  if (role == nullptr) return fail("the repository has no such role", path.string());
  return read_verified(path, department, top.keys, *role, "--department " + department);
}

Status install_payloads(const Workspace& workspace, const tuf::Targets& targets) {
  for (const auto& [path, file] : targets.targets) {
    const std::string remote = compile::ListFile{path, file.length, file.sha256, {}}.remote_path();
    const std::filesystem::path to = workspace.repo() / remote;
    if (std::filesystem::exists(to)) continue;
    auto bytes = files::read_bounded(workspace.staged() / remote, file.length);
    if (!bytes) return fail(bytes.error());
    if (auto status = files::make_folder(to.parent_path()); !status) return status;
    if (auto status = files::write_atomic(to, *bytes); !status) return status;
  }
  return {};
}

/// Publishes the staged rules, if there are any that were not published before a cut.
Status publish_policy(const Workspace& workspace, const Published& published, const tuf::Root& root,
                      tuf::Json& meta) {
  const std::filesystem::path path = staged_policy(workspace);
  if (!std::filesystem::exists(path)) return {};
  auto role = read_verified(path, "", root.keys, root.roles.at("targets"), "--policy");
  if (!role) return fail(role.error());
  const std::uint64_t version = role->targets.version;
  if (version <= published.targets.version) return {};
  if (auto status = install_payloads(workspace, role->targets); !status) return status;
  meta["targets.json"] = meta_of(version, role->bytes);
  return files::write_atomic(metadata_path(workspace, version, "targets"), role->bytes);
}

/// What the snapshot says of all documents, as JSON.
tuf::Json meta_json(const tuf::Snapshot& snapshot) {
  tuf::Json meta = tuf::Json::object();
  for (const auto& [name, file] : snapshot.meta) {
    meta[name] = {{"version", file.version}};
    if (file.length) meta[name]["length"] = *file.length;
    if (file.sha256) meta[name]["hashes"]["sha256"] = *file.sha256;
  }
  return meta;
}

Result<std::vector<StagedRole>> read_all_staged(const Workspace& workspace,
                                                const Published& published,
                                                const tuf::Targets& top) {
  std::vector<StagedRole> staged;
  for (const std::string& department : departments()) {
    if (!std::filesystem::exists(staged_document(workspace, department))) continue;
    auto role = read_staged(workspace, department, top);
    if (!role) return fail(role.error());
    // Left from a publish() that was cut off after its last step.
    const auto now = published.lists.find(department);
    if (now != published.lists.end() && role->targets.version <= now->second.version) continue;
    staged.push_back(std::move(*role));
  }
  return staged;
}

/// Whether the snapshot must be made anew though nothing has changed: it would expire before long,
/// its keys are others now, or it was made before there was a log.
Result<bool> is_due(const Workspace& workspace, const Published& published, const tuf::Root& root) {
  const auto path = metadata_path(workspace, published.snapshot.version, "snapshot");
  auto bytes = files::read_bounded(path, tuf::kMaxSnapshotOctets);
  if (!bytes) return fail(bytes.error());
  auto envelope = tuf::parse_envelope(*bytes, path.string());
  if (!envelope) return fail(envelope.error());
  if (!tuf::verify(*envelope, root.keys, root.roles.at("snapshot"), path.string())) return true;
  if (published.snapshot.expires - workspace.clock() < workspace.expiry.snapshot / 2) return true;
  auto log = read_log(workspace);
  if (!log) return fail(log.error());
  return *log && (*log)->checkpoint.size == 0;
}

}  // namespace

Result<PublishReport> publish(const Workspace& workspace, std::chrono::hours keep) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  if (auto status = check_staged_root(workspace, *published); !status) return fail(status.error());
  auto root = next_root(workspace, *published);
  if (!root) return fail(root.error());
  auto top = next_targets(workspace, *published);
  if (!top) return fail(top.error());
  auto staged = read_all_staged(workspace, *published, *top);
  if (!staged) return fail(staged.error());
  const tuf::Json before = meta_json(published->snapshot);
  tuf::Json meta = before;
  if (auto status = publish_policy(workspace, *published, *root, meta); !status) {
    return fail(status.error());
  }
  PublishReport report;
  for (const StagedRole& role : *staged) {
    if (auto status = install_payloads(workspace, role.targets); !status) {
      return fail(status.error());
    }
    const std::string name = role_of(role.department);
    auto status =
        files::write_atomic(metadata_path(workspace, role.targets.version, name), role.bytes);
    if (!status) return fail(status.error());
    meta[name + ".json"] = meta_of(role.targets.version, role.bytes);
    report.departments.push_back(role.department);
  }
  if (auto status = check_documents(workspace, meta, *root, *top); !status) {
    return fail(status.error());
  }
  auto due = is_due(workspace, *published, *root);
  if (!due) return fail(due.error());
  report.snapshot = published->snapshot.version;
  if (*due || meta != before) {
    auto release = write_release(workspace, *root, std::move(meta), report.snapshot);
    if (!release) return fail(release.error());
    report.snapshot = *release;
  }
  auto announced = announce(workspace, *root, report.snapshot, published->timestamp.version);
  if (!announced) return fail(announced.error());
  report.timestamp = announced->timestamp;
  report.logged = announced->logged;
  std::error_code ignored;
  std::filesystem::remove_all(workspace.staged(), ignored);
  auto retired = retire_unused(workspace, keep);
  if (retired) report.retired = *retired;
  if (!retired) report.not_retired = retired.error();
  return report;
}

}  // namespace sluice::authority
