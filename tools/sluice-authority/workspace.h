// The folder that an authority works in:
//
//   authority.json             how long signatures last
//   root.json                  to install on appliances
//   keys/ROLE-N.pem            private keys, mode 0600
//   lists/DEPARTMENT/          names.tsv (sorted) and orders.jsonl: what will be signed next
//   policy/                    rules for all lists: guards.yaml, taxonomy.yaml, protected.txt,
//   popular.txt staged/                    signed, not yet published repo/ published: static files
//   for any web server
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/tuf/key.h"
#include "control/tuf/time.h"

namespace sluice::authority {

struct Expiry {
  std::chrono::hours root{365 * 24};
  std::chrono::hours targets{180 * 24};
  std::chrono::hours lists{90 * 24};
  std::chrono::hours emergency{7 * 24};
  std::chrono::hours snapshot{7 * 24};
  std::chrono::hours timestamp{72};
};

struct Workspace {
  std::filesystem::path folder;
  Expiry expiry;
  tuf::Clock clock = tuf::system_clock_now;
  tuf::Passphrase passphrase;  // of encrypted keys

  [[nodiscard]] std::filesystem::path keys() const { return folder / "keys"; }
  [[nodiscard]] std::filesystem::path repo() const { return folder / "repo"; }
  [[nodiscard]] std::filesystem::path metadata() const { return repo() / "metadata"; }
  [[nodiscard]] std::filesystem::path policy() const { return folder / "policy"; }
  [[nodiscard]] std::filesystem::path staged() const { return folder / "staged"; }
  [[nodiscard]] std::filesystem::path list(const std::string& department) const {
    return folder / "lists" / department;
  }
  [[nodiscard]] std::chrono::hours list_expiry(std::string_view department) const;
};

[[nodiscard]] Result<Workspace> open_workspace(const std::filesystem::path& folder);
[[nodiscard]] Status save_settings(const Workspace& workspace);

/// The departments of the taxonomy that an authority lists for, and "emergency"; sorted.
[[nodiscard]] std::vector<std::string> departments();

[[nodiscard]] std::string role_of(std::string_view department);  // "list-police"

}  // namespace sluice::authority
