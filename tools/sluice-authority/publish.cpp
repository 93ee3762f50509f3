#include "tools/sluice-authority/publish.h"

#include <algorithm>

#include "control/compile/release.h"
#include "control/files/file.h"
#include "control/sync/departments.h"
#include "tools/sluice-authority/deltas.h"
#include "tools/sluice-authority/policy.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/signing.h"
#include "tools/sluice-authority/stage.h"

namespace sluice::authority {
namespace {

/// A number that no file has yet: what a client may have in its cache never changes.
std::uint64_t free_version(const Workspace& workspace, std::uint64_t after,
                           const std::string& role) {
  std::uint64_t version = after + 1;
  while (std::filesystem::exists(metadata_path(workspace, version, role))) ++version;
  return version;
}

Status sign_and_write(const Workspace& workspace, const std::string& role, const tuf::Json& body,
                      const std::filesystem::path& path, tuf::Json& meta) {
  auto keys = local_keys(workspace, role);
  if (!keys) return fail(keys.error());
  auto envelope = sign_document(body, *keys);
  if (!envelope) return fail(envelope.error());
  const std::string text = envelope_text(*envelope);
  meta = meta_of(body["version"].get<std::uint64_t>(), text);
  return files::write_atomic(path, text);
}

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
                               const Published& published) {
  const std::filesystem::path path = staged_document(workspace, department);
  const tuf::DelegatedRole* role = published.role(department);
  if (role == nullptr) return fail("the repository has no such role", path.string());
  return read_verified(path, department, published.targets.keys, *role,
                       "--department " + department);
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
Status publish_policy(const Workspace& workspace, const Published& published, tuf::Json& meta) {
  const std::filesystem::path path = staged_policy(workspace);
  if (!std::filesystem::exists(path)) return {};
  auto role =
      read_verified(path, "", published.root.keys, published.root.roles.at("targets"), "--policy");
  if (!role) return fail(role.error());
  const std::uint64_t version = role->targets.version;
  if (version <= published.targets.version) return {};
  if (auto status = install_payloads(workspace, role->targets); !status) return status;
  meta["targets.json"] = meta_of(version, role->bytes);
  return files::write_atomic(metadata_path(workspace, version, "targets"), role->bytes);
}

Status write_snapshot_and_timestamp(const Workspace& workspace, tuf::Json meta,
                                    std::uint64_t last_snapshot, std::uint64_t last_timestamp,
                                    PublishReport& report) {
  const tuf::Time now = workspace.clock();
  report.snapshot = free_version(workspace, last_snapshot, "snapshot");
  report.timestamp = last_timestamp + 1;
  tuf::Json snapshot = document("snapshot", report.snapshot, now + workspace.expiry.snapshot);
  snapshot["meta"] = std::move(meta);
  tuf::Json snapshot_meta;
  auto status =
      sign_and_write(workspace, "snapshot", snapshot,
                     metadata_path(workspace, report.snapshot, "snapshot"), snapshot_meta);
  if (!status) return status;
  tuf::Json timestamp = document("timestamp", report.timestamp, now + workspace.expiry.timestamp);
  timestamp["meta"]["snapshot.json"] = std::move(snapshot_meta);
  timestamp["issued"] = tuf::to_text(now);
  tuf::Json ignored;
  return sign_and_write(workspace, "timestamp", timestamp, workspace.metadata() / "timestamp.json",
                        ignored);
}

tuf::Json role_json(const std::vector<tuf::PrivateKey>& keys, unsigned threshold) {
  tuf::Json ids = tuf::Json::array();
  for (const tuf::PrivateKey& key : keys) ids.push_back(key.keyid());
  return {{"keyids", std::move(ids)}, {"threshold", threshold}};
}

Status write_root(const Workspace& workspace, const tuf::Json& root) {
  auto keys = local_keys(workspace, "root");
  if (!keys) return fail(keys.error());
  auto envelope = sign_document(root, *keys);
  if (!envelope) return fail(envelope.error());
  const std::string text = envelope_text(*envelope);
  for (const auto& path : {workspace.metadata() / "1.root.json", workspace.metadata() / "root.json",
                           workspace.folder / "root.json"}) {
    if (auto status = files::write_atomic(path, text); !status) return status;
  }
  return {};
}

}  // namespace

Status create_authority(const Workspace& workspace) {
  if (std::filesystem::exists(workspace.folder / "authority.json") ||
      std::filesystem::exists(workspace.keys())) {
    return fail("an authority is here already", workspace.folder.string(),
                "its keys are never replaced; choose another folder");
  }
  for (const auto& folder : {workspace.metadata(), workspace.keys()}) {
    if (auto status = files::make_folder(folder); !status) return status;
  }
  std::filesystem::permissions(workspace.keys(), std::filesystem::perms::owner_all);

  const tuf::Time now = workspace.clock();
  tuf::Json root = document("root", 1, now + workspace.expiry.root);
  root["consistent_snapshot"] = true;
  tuf::Json targets = document("targets", 1, now + workspace.expiry.targets);
  targets["targets"] = tuf::Json::object();
  tuf::Json& delegations = targets["delegations"];
  delegations = {{"keys", tuf::Json::object()}, {"roles", tuf::Json::array()}};
  tuf::Json meta = tuf::Json::object();
  for (const RoleShape& shape : role_shapes()) {
    auto keys = make_keys(workspace, shape);
    if (!keys) return fail(keys.error());
    const bool is_list = shape.role.starts_with("list-");
    tuf::Json& known = is_list ? delegations["keys"] : root["keys"];
    for (const tuf::PrivateKey& key : *keys) known[key.keyid()] = key.public_json();
    tuf::Json role = role_json(*keys, shape.threshold);
    if (!is_list) {
      root["roles"][shape.role] = std::move(role);
      continue;
    }
    const std::string department = shape.role.substr(5);
    role.update(
        {{"name", shape.role}, {"terminating", true}, {"paths", {"lists/" + department + "/*"}}});
    delegations["roles"].push_back(std::move(role));
    tuf::Json empty = document("targets", 1, now + workspace.list_expiry(department));
    empty["targets"] = tuf::Json::object();
    auto status =
        sign_and_write(workspace, shape.role, empty, metadata_path(workspace, 1, shape.role),
                       meta[shape.role + ".json"]);
    if (!status) return status;
  }
  if (auto status = write_root(workspace, root); !status) return status;
  auto status = sign_and_write(workspace, "targets", targets,
                               metadata_path(workspace, 1, "targets"), meta["targets.json"]);
  PublishReport ignored;
  if (status) status = write_snapshot_and_timestamp(workspace, std::move(meta), 0, 0, ignored);
  if (!status) return status;
  return save_settings(workspace);
}

Result<PublishReport> publish(const Workspace& workspace) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  std::vector<StagedRole> staged;
  for (const std::string& department : departments()) {
    if (!std::filesystem::exists(staged_document(workspace, department))) continue;
    auto role = read_staged(workspace, department, *published);
    if (!role) return fail(role.error());
    // Left from a publish() that was cut off after its last step.
    const auto now = published->lists.find(department);
    if (now != published->lists.end() && role->targets.version <= now->second.version) continue;
    staged.push_back(std::move(*role));
  }
  PublishReport report;
  tuf::Json meta = tuf::Json::object();
  for (const auto& [name, file] : published->snapshot.meta) {
    meta[name] = {{"version", file.version}};
    if (file.length) meta[name]["length"] = *file.length;
    if (file.sha256) meta[name]["hashes"]["sha256"] = *file.sha256;
  }
  if (auto status = publish_policy(workspace, *published, meta); !status) {
    return fail(status.error());
  }
  for (const StagedRole& role : staged) {
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
  auto status =
      write_snapshot_and_timestamp(workspace, std::move(meta), published->snapshot.version,
                                   published->timestamp.version, report);
  if (!status) return fail(status.error());
  for (const StagedRole& role : staged) {
    drop_old_deltas(workspace, role.department, role.targets, published->lists[role.department]);
  }
  std::error_code ignored;
  std::filesystem::remove_all(workspace.staged(), ignored);
  return report;
}

}  // namespace sluice::authority
