// A mode as JSON, as it stands in the policy document and in the file that control keeps.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <nlohmann/json.hpp>

#include "config/policy/policy.h"

namespace sluice::policy {

[[nodiscard]] nlohmann::json to_json(const Mode& mode);
/// Checks everything: it reads what another process wrote.
[[nodiscard]] Result<Mode> mode_from_json(const nlohmann::json& value);

}  // namespace sluice::policy
