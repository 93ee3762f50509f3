// What the delegated roles of the departments may sign, and what their lists are.
//
// Thread safety: free functions.
#pragma once

#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/compile/release.h"
#include "control/tuf/metadata.h"

namespace sluice::sync {

/// "list-police"; roles of other names are of no concern to an appliance.
[[nodiscard]] std::string emergency_role();
[[nodiscard]] bool is_list_role(const tuf::DelegatedRole& role);

/// The top-level role signs delegations and policy, and no list: lists are the departments'.
[[nodiscard]] Status check_top_targets(const tuf::Targets& targets);

/// The list that a department's role signs, or nullopt where it signs none. Refuses a role that is
/// not terminating, that reaches outside its paths, or whose paths an earlier role claims too.
[[nodiscard]] Result<std::optional<compile::ReleaseList>> read_department(
    const tuf::Targets& top, const tuf::DelegatedRole& role, const tuf::Targets& signed_by);

}  // namespace sluice::sync
