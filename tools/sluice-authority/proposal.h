// Four eyes on a list: an official proposes it, another one looks at what it changes and approves
// it, and only then it can be published. Both are signatures of the department's role on one and
// the same document; who they were is kept beside it, and in a journal.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/stage.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct OfficialAct {
  std::string department;
  std::filesystem::path key;
  std::string by;        // the official's name, as the journal and new orders will say it
  std::string approver;  // of a proposal: who is to approve it; empty: any other official
  std::string reason;
  std::string order;      // behind a withdrawal
  std::uint64_t seq = 0;  // of a withdrawal: the list to go back to; 0: the one before
};

struct Proposal {
  std::string by;
  std::string approver;
  std::string reason;
  std::string at;
  std::string keyid;
};

/// What waits for an approval; nullopt where nothing was proposed.
[[nodiscard]] Result<std::optional<Proposal>> read_proposal(const Workspace& workspace,
                                                            const std::string& department);

Status propose_command(const Workspace& workspace, const OfficialAct& act,
                       const StageOptions& options);
/// Signs just what was proposed, whatever the draft has become since.
Status approve_command(const Workspace& workspace, const OfficialAct& act);
/// Puts a former list into the draft and proposes it under the next number.
Status withdraw_command(const Workspace& workspace, const OfficialAct& act);

}  // namespace sluice::authority
