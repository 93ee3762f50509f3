// What persons ask of the control process at its socket: to hold, roll back, resume, approve, pin.
//
// Thread safety: free functions; what they call locks.
#pragma once

#include <nlohmann/json.hpp>

#include "control/service/running.h"
#include "control/service/updater.h"

namespace sluice::service {

/// Whether a command is one of these.
[[nodiscard]] bool is_decision(std::string_view command);

/// Does it, and says what was done: {"ok":true,"done":"…"}.
[[nodiscard]] nlohmann::json answer_decision(Running& running, const View& view,
                                             const nlohmann::json& request, tuf::Time now);

/// The generations that can be gone back to, and what was decided about them.
[[nodiscard]] nlohmann::json generations_json(const Running& running, const View& view);

}  // namespace sluice::service
