// Keys of roles and signed documents on the authority's side.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct RoleShape {
  std::string role;
  unsigned keys;
  unsigned threshold;
};

/// root 5/3, targets 3/2, snapshot 1/1, timestamp 1/1, a department 3/2, emergency 2/1.
[[nodiscard]] std::vector<RoleShape> role_shapes();

/// Makes keys/ROLE-1.pem and so on, under numbers that are free. An empty passphrase: unencrypted.
[[nodiscard]] Result<std::vector<tuf::PrivateKey>> make_keys(const Workspace& workspace,
                                                             const RoleShape& shape,
                                                             std::string_view passphrase);

/// Roles whose keys sign unattended: snapshot, timestamp, log.
[[nodiscard]] bool is_online(std::string_view role);

/// All keys of a role that lie in keys/, by name; at least one.
[[nodiscard]] Result<std::vector<tuf::PrivateKey>> local_keys(const Workspace& workspace,
                                                              const std::string& role);

/// The keys in these files, each of which must be the role's; without files those in keys/ that
/// are.
[[nodiscard]] Result<std::vector<tuf::PrivateKey>> signers(
    const Workspace& workspace, const std::string& name, const tuf::RoleKeys& role,
    const std::vector<std::filesystem::path>& files);

/// The common head of a document.
[[nodiscard]] tuf::Json document(const char* type, std::uint64_t version, tuf::Time expires);

/// {"signatures":[…],"signed":body}; signatures by keyid.
[[nodiscard]] Result<tuf::Json> sign_document(const tuf::Json& body,
                                              std::span<const tuf::PrivateKey> keys);

/// Adds the signatures of keys that have not signed yet; returns how many.
[[nodiscard]] Result<unsigned> add_signatures(tuf::Json& envelope,
                                              std::span<const tuf::PrivateKey> keys);

/// As it is written to a file, so that its length and hash can be signed for.
[[nodiscard]] std::string envelope_text(const tuf::Json& envelope);

/// Signs by those local keys that are the role's, and writes; `meta` is what other documents say of
/// it.
[[nodiscard]] Status sign_and_write(const Workspace& workspace, const std::string& name,
                                    const tuf::RoleKeys& role, const tuf::Json& body,
                                    const std::filesystem::path& path, tuf::Json& meta);

/// {"version":…,"length":…,"hashes":{"sha256":…}} of a document's bytes.
[[nodiscard]] tuf::Json meta_of(std::uint64_t version, std::string_view bytes);

}  // namespace sluice::authority
