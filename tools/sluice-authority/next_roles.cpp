#include "tools/sluice-authority/next_roles.h"

#include <algorithm>

#include "config/files/file.h"
#include "control/sync/trust.h"
#include "tools/sluice-authority/policy.h"

namespace sluice::authority {

std::filesystem::path staged_root(const Workspace& workspace) {
  return workspace.staged() / "root.json";
}

Result<tuf::Json> read_signed(const std::filesystem::path& path) {
  auto bytes = files::read_bounded(path, tuf::kMaxTargetsOctets);
  if (!bytes) return fail(bytes.error());
  auto envelope = tuf::parse_strict(*bytes, path.string());
  if (envelope && envelope->contains("signed")) return envelope;
  return fail("is no signed document", path.string());
}

Result<tuf::Root> next_root(const Workspace& workspace, const Published& published) {
  const auto path = staged_root(workspace);
  if (!std::filesystem::exists(path)) return published.root;
  auto json = read_signed(path);
  if (!json) return fail(json.error());
  auto root = tuf::parse_root((*json)["signed"], path.string());
  if (!root) return fail(root.error());
  // Left from a publish() that was cut off after its last step.
  if (root->version <= published.root.version) return published.root;
  return root;
}

Result<tuf::Targets> next_targets(const Workspace& workspace, const Published& published) {
  const auto path = staged_policy(workspace);
  if (!std::filesystem::exists(path)) return published.targets;
  auto json = read_signed(path);
  if (!json) return fail(json.error());
  auto targets = tuf::parse_targets((*json)["signed"], path.string());
  if (!targets) return fail(targets.error());
  if (targets->version <= published.targets.version) return published.targets;
  return targets;
}

const tuf::DelegatedRole* find_role(const tuf::Targets& targets, const std::string& department) {
  const auto found =
      std::find_if(targets.roles.begin(), targets.roles.end(),
                   [&](const tuf::DelegatedRole& one) { return one.name == role_of(department); });
  return found == targets.roles.end() ? nullptr : &*found;
}

Status check_staged_root(const Workspace& workspace, const Published& published) {
  auto next = next_root(workspace, published);
  if (!next) return fail(next.error());
  if (next->version == published.root.version) return {};
  const auto path = staged_root(workspace);
  auto bytes = files::read_bounded(path, tuf::kMaxRootOctets);
  if (!bytes) return fail(bytes.error());
  auto envelope = tuf::parse_envelope(*bytes, path.string());
  if (!envelope) return fail(envelope.error());
  auto status = tuf::verify(*envelope, published.root.keys, published.root.roles.at("root"),
                            path.string() + ", by the keys of root before");
  if (status) {
    status = tuf::verify(*envelope, next->keys, next->roles.at("root"),
                         path.string() + ", by its own keys");
  }
  if (status) return {};
  Error error = status.error();
  error.advice = "have other officials sign it: sluice-authority role sign --key FILE";
  return fail(std::move(error));
}

Status install_root(const Workspace& workspace, std::uint64_t version) {
  const auto path = staged_root(workspace);
  if (!std::filesystem::exists(path)) return {};
  auto bytes = files::read_bounded(path, tuf::kMaxRootOctets);
  if (!bytes) return fail(bytes.error());
  const std::string name = std::to_string(version) + ".root.json";
  for (const auto& to : {workspace.metadata() / name, workspace.metadata() / "root.json",
                         workspace.folder / "root.json"}) {
    if (auto status = files::write_atomic(to, *bytes); !status) return status;
  }
  return {};
}

Status check_documents(const Workspace& workspace, const tuf::Json& meta, const tuf::Root& root,
                       const tuf::Targets& targets) {
  for (const auto& [name, listed] : meta.items()) {
    const std::string role = name.substr(0, name.rfind(".json"));
    const bool top = role == "targets";
    const tuf::DelegatedRole* delegated =
        role.starts_with("list-") ? find_role(targets, role.substr(5)) : nullptr;
    if (!top && delegated == nullptr) continue;
    const auto path = metadata_path(workspace, listed["version"].get<std::uint64_t>(), role);
    auto bytes = files::read_bounded(path, tuf::kMaxTargetsOctets);
    if (!bytes) return fail(bytes.error());
    auto envelope = tuf::parse_envelope(*bytes, path.string());
    if (!envelope) return fail(envelope.error());
    const auto status = top ? tuf::verify(*envelope, root.keys, root.roles.at("targets"), role)
                            : tuf::verify(*envelope, targets.keys, *delegated, role);
    if (status) continue;
    Error error = status.error();
    error.advice =
        "its keys were changed, so it must be signed by the new ones: sluice-authority "
        "sign " +
        (top ? "--policy" : "--renew --department " + role.substr(5));
    return fail(std::move(error));
  }
  return {};
}

}  // namespace sluice::authority
