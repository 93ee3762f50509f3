// Commitments to the changes of a list: each change is hashed with a salt of its own, and the root
// over all (RFC 6962) is signed with the list. So the log fixes what changed and tells no name; the
// authority can open a single change later, to a court or to the one who was listed, and tells
// nothing of the others by it.
//
// In DIR/commitments/DEPARTMENT, for the authority's eyes: SEQ.secret and SEQ.changes.zst. The salt
// of a change is HMAC-SHA256(secret, change), its commitment SHA-256(salt, change).
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "tools/sluice-authority/log_source.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// A list with more changes is signed without commitments.
inline constexpr std::uint64_t kMaxCommitted = 200'000;

/// What is signed of changes, "+name TAB match TAB order" a line: {"count": …, "root":
/// hexadecimal}. Null where there are too many, or none. The secret is made once for each number of
/// a list.
[[nodiscard]] Result<tuf::Json> commit_changes(const Workspace& workspace,
                                               const std::string& department, std::uint64_t seq,
                                               std::string_view lines);

struct Opening {
  std::string department;
  std::uint64_t seq = 0;
  std::string name;            // whose change is opened
  std::filesystem::path file;  // of an opening that is checked
};

/// Prints the opening of each change of a name: an object a line.
Status commitment_open_command(const Workspace& workspace, const Opening& opening);

/// Checks openings in a file against the lists of the releases that were logged.
Status commitment_verify_command(const Opening& opening, LogSource& source,
                                 const tlog::LogPolicy& policy);

}  // namespace sluice::authority
