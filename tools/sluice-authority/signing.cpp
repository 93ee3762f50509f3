#include "tools/sluice-authority/signing.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/files/file.h"
#include "control/compile/release.h"
#include "control/tuf/digest.h"

namespace sluice::authority {
namespace {

constexpr const char* kSpecVersion = "1.0.31";

std::filesystem::path key_path(const Workspace& workspace, const std::string& role, unsigned i) {
  return workspace.keys() / (role + "-" + std::to_string(i) + ".pem");
}

}  // namespace

std::vector<RoleShape> role_shapes() {
  std::vector<RoleShape> out = {
      {"root", 5, 3}, {"targets", 3, 2}, {"snapshot", 1, 1}, {"timestamp", 1, 1}};
  for (const std::string& department : departments()) {
    const bool emergency = department == compile::kEmergency;
    out.push_back({role_of(department), emergency ? 2U : 3U, emergency ? 1U : 2U});
  }
  return out;
}

bool is_online(std::string_view role) {
  return role == "snapshot" || role == "timestamp" || role == "log";
}

Result<std::vector<tuf::PrivateKey>> make_keys(const Workspace& workspace, const RoleShape& shape,
                                               std::string_view passphrase) {
  std::vector<tuf::PrivateKey> keys;
  for (unsigned i = 1; keys.size() < shape.keys; ++i) {
    const auto path = key_path(workspace, shape.role, i);
    if (std::filesystem::exists(path)) continue;
    auto key = tuf::PrivateKey::generate();
    if (!key) return fail(key.error());
    if (auto status = key->save(path, passphrase); !status) return fail(status.error());
    keys.push_back(std::move(*key));
  }
  return keys;
}

Result<std::vector<tuf::PrivateKey>> local_keys(const Workspace& workspace,
                                                const std::string& role) {
  std::vector<tuf::PrivateKey> keys;
  for (unsigned i = 1; i <= tuf::kMaxSignatures; ++i) {
    const auto path = key_path(workspace, role, i);
    // Officials may take their keys away, so gaps are normal.
    if (!std::filesystem::exists(path)) continue;
    auto key = tuf::PrivateKey::load(path, workspace.passphrase);
    if (!key) return fail(key.error());
    keys.push_back(std::move(*key));
  }
  if (keys.empty()) {
    return fail("there is no key of the role " + role, workspace.keys().string(),
                "give the officials' keys with --key");
  }
  return keys;
}

Result<std::vector<tuf::PrivateKey>> signers(const Workspace& workspace, const std::string& name,
                                             const tuf::RoleKeys& role,
                                             const std::vector<std::filesystem::path>& files) {
  const auto is_of_role = [&](const tuf::PrivateKey& key) {
    return std::find(role.keyids.begin(), role.keyids.end(), key.keyid()) != role.keyids.end();
  };
  if (files.empty()) {
    auto keys = local_keys(workspace, name);
    if (!keys) return keys;
    std::erase_if(*keys, [&](const tuf::PrivateKey& key) { return !is_of_role(key); });
    if (!keys->empty()) return keys;
    return fail("no key here belongs to the role " + name, workspace.keys().string(),
                "give the officials' keys with --key");
  }
  std::vector<tuf::PrivateKey> keys;
  for (const std::filesystem::path& file : files) {
    auto key = tuf::PrivateKey::load(file, workspace.passphrase);
    if (!key) return fail(key.error());
    if (!is_of_role(*key)) {
      return fail("the key does not belong to the role " + name, file.string(),
                  "sign with keys of this role; for a list, name it with --department");
    }
    keys.push_back(std::move(*key));
  }
  return keys;
}

tuf::Json document(const char* type, std::uint64_t version, tuf::Time expires) {
  return {{"_type", type},
          {"spec_version", kSpecVersion},
          {"version", version},
          {"expires", tuf::to_text(expires)}};
}

Result<unsigned> add_signatures(tuf::Json& envelope, std::span<const tuf::PrivateKey> keys) {
  const std::string message = tuf::canonical(envelope["signed"]);
  tuf::Json& signatures = envelope["signatures"];
  unsigned added = 0;
  for (const tuf::PrivateKey& key : keys) {
    const bool there = std::any_of(signatures.begin(), signatures.end(), [&](const tuf::Json& one) {
      return one["keyid"] == key.keyid();
    });
    if (there) continue;
    auto signature = key.sign(message);
    if (!signature) return fail(signature.error());
    signatures.push_back({{"keyid", key.keyid()}, {"sig", *signature}});
    ++added;
  }
  std::sort(signatures.begin(), signatures.end(),
            [](const tuf::Json& a, const tuf::Json& b) { return a["keyid"] < b["keyid"]; });
  return added;
}

Result<tuf::Json> sign_document(const tuf::Json& body, std::span<const tuf::PrivateKey> keys) {
  tuf::Json envelope = {{"signatures", tuf::Json::array()}, {"signed", body}};
  auto added = add_signatures(envelope, keys);
  if (!added) return fail(added.error());
  return envelope;
}

std::string envelope_text(const tuf::Json& envelope) { return json_text(envelope, 1) + "\n"; }

tuf::Json meta_of(std::uint64_t version, std::string_view bytes) {
  return {
      {"version", version}, {"length", bytes.size()}, {"hashes", {{"sha256", tuf::sha256(bytes)}}}};
}

Status sign_and_write(const Workspace& workspace, const std::string& name,
                      const tuf::RoleKeys& role, const tuf::Json& body,
                      const std::filesystem::path& path, tuf::Json& meta) {
  auto keys = signers(workspace, name, role, {});
  if (!keys) return fail(keys.error());
  auto envelope = sign_document(body, *keys);
  if (!envelope) return fail(envelope.error());
  const std::string text = envelope_text(*envelope);
  meta = meta_of(body["version"].get<std::uint64_t>(), text);
  return files::write_atomic(path, text);
}

}  // namespace sluice::authority
