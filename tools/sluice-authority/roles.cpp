#include "tools/sluice-authority/roles.h"

#include <algorithm>
#include <iostream>
#include <set>

#include "config/files/file.h"
#include "control/tuf/digest.h"
#include "tools/sluice-authority/next_roles.h"
#include "tools/sluice-authority/policy.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

using tuf::Json;

/// A role as JSON, {"keyids": …, "threshold": …}, and the keys of all roles beside it.
struct RoleJson {
  Json* role = nullptr;
  Json* keys = nullptr;
};

Result<std::string> revoked_id(const Json& role, const std::string& begins) {
  std::vector<std::string> found;
  for (const Json& id : role["keyids"]) {
    if (id.get_ref<const std::string&>().starts_with(begins)) found.push_back(id);
  }
  if (begins.size() >= 8 && found.size() == 1) return found[0];
  return fail("is not the key id of one key of the role", begins,
              "sluice-authority role show tells them; at least 8 digits");
}

void add_key(const RoleJson& at, const Json& key) {
  const std::string id = tuf::sha256(tuf::canonical(key));
  (*at.keys)[id] = key;
  Json& ids = (*at.role)["keyids"];
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

/// Keys that no role names any more have no place in the document.
template <class Roles>
void drop_unused_keys(Json& keys, const Roles& roles) {
  std::set<std::string> used;
  for (const auto& role : roles) {
    for (const Json& id : role["keyids"]) used.insert(id.template get<std::string>());
  }
  Json kept = Json::object();
  for (const auto& [id, key] : keys.items()) {
    if (used.contains(id)) kept[id] = key;
  }
  keys = std::move(kept);
}

Status apply(const Workspace& workspace, const RoleChange& change, const RoleJson& at) {
  Json& role = *at.role;
  const unsigned before = static_cast<unsigned>(role["keyids"].size());
  for (const std::string& begins : change.revoke) {
    auto id = revoked_id(role, begins);
    if (!id) return fail(id.error());
    Json& ids = role["keyids"];
    ids.erase(std::find(ids.begin(), ids.end(), *id));
  }
  if (change.revoke_all) role["keyids"] = Json::array();
  for (const std::string& value : change.add) {
    auto key = tuf::PublicKey::from_value(value, "--add");
    if (!key) return fail(key.error());
    add_key(at, key->json());
  }
  const unsigned fresh = change.revoke_all && change.add.empty() ? before : change.fresh;
  if (fresh > 0) {
    std::string passphrase;
    if (!is_online(change.role)) {
      auto given = new_passphrase(change.passphrase);
      if (!given) return fail(given.error());
      passphrase = given->value_or("");
    }
    auto made = make_keys(workspace, {change.role, fresh, 1}, passphrase);
    if (!made) return fail(made.error());
    for (const tuf::PrivateKey& key : *made) add_key(at, key.public_json());
  }
  if (change.threshold) role["threshold"] = *change.threshold;
  const auto threshold = role["threshold"].get<std::uint64_t>();
  if (threshold == 0 || threshold > role["keyids"].size()) {
    return fail("the threshold would be " + std::to_string(threshold) + " of " +
                    std::to_string(role["keyids"].size()) + " keys",
                change.role, "give --threshold, --new or --add as well");
  }
  return {};
}

/// Keys of root sign the next one: those before it and its own.
Status sign_root(const Workspace& workspace, Json envelope,
                 const std::vector<std::filesystem::path>& files) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  auto next = tuf::parse_root(envelope["signed"], staged_root(workspace).string());
  if (!next) return fail(next.error());
  tuf::RoleKeys both = next->roles.at("root");
  for (const std::string& id : published->root.roles.at("root").keyids) both.keyids.push_back(id);
  auto keys = signers(workspace, "root", both, files);
  if (!keys) return fail(keys.error());
  if (auto added = add_signatures(envelope, *keys); !added) return fail(added.error());
  if (auto status = files::make_folder(workspace.staged()); !status) return status;
  auto status = files::write_atomic(staged_root(workspace), envelope_text(envelope));
  if (!status) return status;
  const auto complete = check_staged_root(workspace, *published);
  std::cout << "root: version " << next->version << ", " << envelope["signatures"].size()
            << " signatures" << (complete ? "\n" : ", not enough yet\n");
  return {};
}

Status change_top_role(const Workspace& workspace, const Published& published,
                       const RoleChange& change) {
  auto next = next_root(workspace, published);
  if (!next) return fail(next.error());
  const bool staged = next->version > published.root.version;
  auto now = read_signed(staged ? staged_root(workspace) : workspace.metadata() / "root.json");
  if (!now) return fail(now.error());
  Json body = (*now)["signed"];
  body["version"] = published.root.version + 1;
  body["expires"] = tuf::to_text(workspace.clock() + workspace.expiry.root);
  auto status = apply(workspace, change, {&body["roles"][change.role], &body["keys"]});
  if (!status) return status;
  drop_unused_keys(body["keys"], body["roles"]);
  return sign_root(workspace, {{"signatures", Json::array()}, {"signed", std::move(body)}},
                   change.keys);
}

Status change_delegation(const Workspace& workspace, const Published& published,
                         const RoleChange& change) {
  auto next = next_targets(workspace, published);
  if (!next) return fail(next.error());
  const bool staged = next->version > published.targets.version;
  auto now = read_signed(staged ? staged_policy(workspace)
                                : metadata_path(workspace, published.targets.version, "targets"));
  if (!now) return fail(now.error());
  Json delegations = (*now)["signed"]["delegations"];
  for (Json& role : delegations["roles"]) {
    if (role["name"] != change.role) continue;
    if (auto status = apply(workspace, change, {&role, &delegations["keys"]}); !status) {
      return status;
    }
  }
  drop_unused_keys(delegations["keys"], delegations["roles"]);
  auto result = stage_policy(workspace, published, {.keys = change.keys}, delegations);
  if (!result) return fail(result.error());
  std::cout << "targets: version " << result->version << ", " << result->signatures << " of "
            << result->threshold << " signatures\n"
            << "the list must be signed by the new keys too: sluice-authority sign --renew "
            << "--department " << change.role.substr(5) << "\n";
  return {};
}

void print_role(const std::string& name, const tuf::RoleKeys& role) {
  std::cout << name << ": " << role.threshold << " of " << role.keyids.size() << "\n";
  for (const std::string& id : role.keyids) std::cout << "  " << id << "\n";
}

}  // namespace

Status role_change_command(const Workspace& workspace, const RoleChange& change) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  if (published->root.roles.contains(change.role)) {
    return change_top_role(workspace, *published, change);
  }
  const bool is_list = change.role.starts_with("list-");
  if (is_list && find_role(published->targets, change.role.substr(5)) != nullptr) {
    return change_delegation(workspace, *published, change);
  }
  return fail("there is no such role", change.role, "see sluice-authority role show");
}

Status role_sign_command(const Workspace& workspace,
                         const std::vector<std::filesystem::path>& keys) {
  auto staged = read_signed(staged_root(workspace));
  if (!staged) {
    return fail("no root is staged", staged_root(workspace).string(),
                "stage one with sluice-authority role change or role rotate");
  }
  return sign_root(workspace, std::move(*staged), keys);
}

Status role_show_command(const Workspace& workspace) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  auto root = next_root(workspace, *published);
  if (!root) return fail(root.error());
  auto targets = next_targets(workspace, *published);
  if (!targets) return fail(targets.error());
  const auto state = [](bool staged) { return staged ? " (staged)" : ""; };
  std::cout << "root " << root->version << state(root->version > published->root.version) << "\n";
  for (const auto& [name, role] : root->roles) print_role(name, role);
  std::cout << "targets " << targets->version
            << state(targets->version > published->targets.version) << "\n";
  for (const tuf::DelegatedRole& role : targets->roles) print_role(role.name, role);
  return {};
}

}  // namespace sluice::authority
