// What persons ask of the control process about the site's own lists: to allow, to block, to take
// back, to let a subscription's list through, and what there is.
//
// Thread safety: free functions; what they call locks.
#pragma once

#include <nlohmann/json.hpp>

#include "control/service/running.h"
#include "control/site/site.h"

namespace sluice::service {

/// Whether a command is one of these.
[[nodiscard]] bool is_site_command(std::string_view command);

/// Whether a command changes what is listed.
[[nodiscard]] bool changes_site(std::string_view command);

/// Decides it, which is on the disk then, and says what was decided: {"ok":true,"done":"…"}. That
/// it comes into force is for Updater::refresh_generation(). `time_zone`: of the calendar, by whose
/// clock an entry ends.
[[nodiscard]] nlohmann::json answer_site(site::Site& site, const Running& running,
                                         const nlohmann::json& request,
                                         const std::string& time_zone, tuf::Time now);

}  // namespace sluice::service
