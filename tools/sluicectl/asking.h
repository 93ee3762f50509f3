// Asking one of the processes, as most commands do.
//
// Thread safety: one thread.
#pragma once

#include <chrono>
#include <string>

#include "tools/sluicectl/outcome.h"

namespace sluice::ctl {

/// How long a process may take to answer at its socket.
inline constexpr std::chrono::milliseconds kPatience{3000};
/// The same where the answer comes when a change is in force: overlay, activation and the
/// dataplane's word.
inline constexpr std::chrono::milliseconds kChangePatience{30'000};

enum class Process { control, dataplane };

/// The reply, without its "ok".
[[nodiscard]] Result<nlohmann::json> ask(const Context& context, Process process,
                                         const nlohmann::json& request,
                                         std::chrono::milliseconds patience = kPatience);

/// A field of a reply, for a person: "-" where there is none.
[[nodiscard]] std::string shown(const nlohmann::json& object, const char* key);

}  // namespace sluice::ctl
