// DIR/journal.jsonl: what officials did with this tool, an object a line, only ever added to. It is
// for people; nothing is decided by it.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include "config/base/result.h"
#include "control/tuf/json.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

/// Adds the time.
[[nodiscard]] Status note_in_journal(const Workspace& workspace, tuf::Json entry);

}  // namespace sluice::authority
