// Changes of the keys and thresholds by which roles are signed. They are staged in the next root,
// or in the next targets for the roles of departments, and take effect when these are published.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/passphrase.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct RoleChange {
  std::string role;                         // "root", "timestamp", "list-police"
  std::vector<std::string> add;             // public values, 64 hexadecimal digits
  std::vector<std::string> revoke;          // key ids, or how they begin
  bool revoke_all = false;                  // each is replaced by a new one
  unsigned fresh = 0;                       // keys to make here
  std::optional<std::uint64_t> threshold;   // as it was, where it is not said
  std::vector<std::filesystem::path> keys;  // to sign with; empty: all local ones
  PassphraseSource passphrase;              // of keys that are made
};

/// Stages the change, signed by the keys that are here.
Status role_change_command(const Workspace& workspace, const RoleChange& change);
/// Adds signatures to the staged root.
Status role_sign_command(const Workspace& workspace,
                         const std::vector<std::filesystem::path>& keys);
/// Who signs what, now and next.
Status role_show_command(const Workspace& workspace);

}  // namespace sluice::authority
