#include "tools/sluice-authority/published.h"

#include <algorithm>

#include "config/files/file.h"
#include "control/sync/departments.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/next_roles.h"

namespace sluice::authority {
namespace {

template <class Document>
Result<Document> read(const std::filesystem::path& path,
                      Result<Document> (*parse)(const tuf::Json&, std::string_view)) {
  auto bytes = files::read_bounded(path, tuf::kMaxTargetsOctets);
  if (!bytes) return fail(bytes.error());
  auto envelope = tuf::parse_envelope(*bytes, path.string());
  if (!envelope) return fail(envelope.error());
  return parse(envelope->body, path.string());
}

/// The release of the snapshot that the timestamp names, or of a later one.
Result<Published> load(const Workspace& workspace, std::uint64_t snapshot_version) {
  Published out;
  auto root = read(workspace.metadata() / "root.json", tuf::parse_root);
  if (!root) return fail(root.error());
  out.root = std::move(*root);
  auto timestamp = read(workspace.metadata() / "timestamp.json", tuf::parse_timestamp);
  if (!timestamp) return fail(timestamp.error());
  out.timestamp = std::move(*timestamp);
  const std::uint64_t version = std::max(snapshot_version, out.timestamp.snapshot.version);
  auto snapshot = read(metadata_path(workspace, version, "snapshot"), tuf::parse_snapshot);
  if (!snapshot) return fail(snapshot.error());
  out.snapshot = std::move(*snapshot);
  for (const auto& [name, file] : out.snapshot.meta) {
    const std::string role = name.substr(0, name.rfind(".json"));
    auto targets = read(metadata_path(workspace, file.version, role), tuf::parse_targets);
    if (!targets) return fail(targets.error());
    if (role == "targets") {
      out.targets = std::move(*targets);
    } else if (role.starts_with("list-")) {
      out.lists[role.substr(5)] = std::move(*targets);
    }
  }
  return out;
}

}  // namespace

std::filesystem::path metadata_path(const Workspace& workspace, std::uint64_t version,
                                    const std::string& role) {
  return workspace.metadata() / (std::to_string(version) + "." + role + ".json");
}

Result<Published> load_published(const Workspace& workspace) {
  auto head = read_log(workspace);
  if (!head) return fail(head.error());
  if (!*head) return load(workspace, 0);
  auto last = last_logged(workspace, **head);
  if (!last) return fail(last.error());
  return load(workspace, *last ? (*last)->version : 0);
}

Result<Published> load_announced(const Workspace& workspace) { return load(workspace, 0); }

Result<std::optional<tlog::LogPolicy>> log_policy_of(const Workspace& workspace,
                                                     const Published& published) {
  const std::string path(tlog::kPolicyFile);
  const auto found = published.targets.targets.find(path);
  if (found == published.targets.targets.end()) return std::nullopt;
  const compile::ListFile file{path, found->second.length, found->second.sha256, {}};
  auto bytes = files::read_bounded(workspace.repo() / file.remote_path(), tlog::kMaxPolicyOctets);
  if (!bytes) return fail(bytes.error());
  auto policy = tlog::LogPolicy::parse(*bytes, path);
  if (!policy) return fail(policy.error());
  return std::move(*policy);
}

Result<std::vector<tlog::LogPolicy>> signed_log_policies(const Workspace& workspace) {
  std::vector<tlog::LogPolicy> out;
  // Nothing is announced yet by an authority that is being made.
  if (!std::filesystem::exists(workspace.metadata() / "timestamp.json")) return out;
  std::string last;
  for (const auto load_one : {load_announced, load_published}) {
    auto published = load_one(workspace);
    if (!published) return fail(published.error());
    const auto found = published->targets.targets.find(std::string(tlog::kPolicyFile));
    if (found == published->targets.targets.end() || found->second.sha256 == last) continue;
    last = found->second.sha256;
    auto policy = log_policy_of(workspace, *published);
    if (!policy) return fail(policy.error());
    if (*policy) out.push_back(std::move(**policy));
  }
  return out;
}

std::set<std::string> payload_paths(const Published& published) {
  std::set<std::string> out;
  const auto add = [&](const tuf::Targets& targets) {
    for (const auto& [path, file] : targets.targets) {
      out.insert(compile::ListFile{path, file.length, file.sha256, {}}.remote_path());
    }
  };
  add(published.targets);
  for (const auto& [department, targets] : published.lists) add(targets);
  return out;
}

const tuf::DelegatedRole* Published::role(const std::string& department) const {
  return find_role(targets, department);
}

std::optional<compile::ReleaseList> Published::list(const std::string& department) const {
  const auto found = lists.find(department);
  const tuf::DelegatedRole* delegated = role(department);
  if (found == lists.end() || delegated == nullptr) return std::nullopt;
  auto list = sync::read_department(targets, *delegated, found->second);
  return list ? *list : std::nullopt;
}

}  // namespace sluice::authority
