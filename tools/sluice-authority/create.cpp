// How an authority begins: keys, root, delegations, and a release without lists.
#include <map>

#include "config/files/file.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/publish.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

tuf::Json role_json(const std::vector<tuf::PrivateKey>& keys, unsigned threshold) {
  tuf::Json ids = tuf::Json::array();
  for (const tuf::PrivateKey& key : keys) ids.push_back(key.keyid());
  return {{"keyids", std::move(ids)}, {"threshold", threshold}};
}

Status write_root(const Workspace& workspace, const tuf::Json& root,
                  const std::vector<tuf::PrivateKey>& keys) {
  auto envelope = sign_document(root, keys);
  if (!envelope) return fail(envelope.error());
  const std::string text = envelope_text(*envelope);
  for (const auto& path : {workspace.metadata() / "1.root.json", workspace.metadata() / "root.json",
                           workspace.folder / "root.json"}) {
    if (auto status = files::write_atomic(path, text); !status) return status;
  }
  return {};
}

/// Signs with keys at hand, so that no encrypted one is opened again.
Status write_signed(const std::filesystem::path& path, const tuf::Json& body,
                    const std::vector<tuf::PrivateKey>& keys, tuf::Json& meta) {
  auto envelope = sign_document(body, keys);
  if (!envelope) return fail(envelope.error());
  const std::string text = envelope_text(*envelope);
  meta = meta_of(body["version"].get<std::uint64_t>(), text);
  return files::write_atomic(path, text);
}

}  // namespace

Status create_authority(const Workspace& workspace, const std::string& log_origin,
                        std::string_view passphrase) {
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
  std::map<std::string, std::vector<tuf::PrivateKey>> made;
  for (const RoleShape& shape : role_shapes()) {
    auto keys = make_keys(workspace, shape, is_online(shape.role) ? "" : passphrase);
    if (!keys) return fail(keys.error());
    const bool is_list = shape.role.starts_with("list-");
    tuf::Json& known = is_list ? delegations["keys"] : root["keys"];
    for (const tuf::PrivateKey& key : *keys) known[key.keyid()] = key.public_json();
    tuf::Json role = role_json(*keys, shape.threshold);
    made[shape.role] = std::move(*keys);
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
    auto status = write_signed(metadata_path(workspace, 1, shape.role), empty, made[shape.role],
                               meta[shape.role + ".json"]);
    if (!status) return status;
  }
  if (auto status = write_root(workspace, root, made["root"]); !status) return status;
  auto status = write_signed(metadata_path(workspace, 1, "targets"), targets, made["targets"],
                             meta["targets.json"]);
  if (status) status = create_log(workspace, log_origin);
  if (!status) return status;
  auto parsed = tuf::parse_root(root, "root.json");
  if (!parsed) return fail(parsed.error());
  auto release = write_release(workspace, *parsed, std::move(meta), 0);
  if (!release) return fail(release.error());
  auto announced = announce(workspace, *parsed, *release, 0);
  if (!announced) return fail(announced.error());
  return save_settings(workspace);
}

}  // namespace sluice::authority
