#include "tools/sluice-authority/published.h"

#include <algorithm>

#include "control/files/file.h"
#include "control/sync/departments.h"

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

}  // namespace

std::filesystem::path metadata_path(const Workspace& workspace, std::uint64_t version,
                                    const std::string& role) {
  return workspace.metadata() / (std::to_string(version) + "." + role + ".json");
}

Result<Published> load_published(const Workspace& workspace) {
  Published out;
  auto root = read(workspace.metadata() / "root.json", tuf::parse_root);
  if (!root) return fail(root.error());
  out.root = std::move(*root);
  auto timestamp = read(workspace.metadata() / "timestamp.json", tuf::parse_timestamp);
  if (!timestamp) return fail(timestamp.error());
  out.timestamp = std::move(*timestamp);
  auto snapshot = read(metadata_path(workspace, out.timestamp.snapshot.version, "snapshot"),
                       tuf::parse_snapshot);
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

const tuf::DelegatedRole* Published::role(const std::string& department) const {
  const auto found =
      std::find_if(targets.roles.begin(), targets.roles.end(),
                   [&](const tuf::DelegatedRole& one) { return one.name == role_of(department); });
  return found == targets.roles.end() ? nullptr : &*found;
}

std::optional<compile::ReleaseList> Published::list(const std::string& department) const {
  const auto found = lists.find(department);
  const tuf::DelegatedRole* delegated = role(department);
  if (found == lists.end() || delegated == nullptr) return std::nullopt;
  auto list = sync::read_department(targets, *delegated, found->second);
  return list ? *list : std::nullopt;
}

}  // namespace sluice::authority
