// What the control process says of itself: status, lists, alarms, as JSON for sluicectl.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "control/publish/dataplane_link.h"
#include "control/service/updater.h"

namespace sluice::service {

struct Facts {
  View view;
  publish::LinkStatus link;
  std::optional<Error> config_error;  // why a reload was refused
  nlohmann::json site_alarms = nlohmann::json::array();
  std::optional<tuf::Time> trial_until;  // of a configuration that is tried
  bool pulling = false;
  sync::TimeFloor::State clock;
  tuf::Time now{};
  tuf::Time started{};
};

[[nodiscard]] nlohmann::json status_json(const Facts& facts);
[[nodiscard]] nlohmann::json lists_json(const Facts& facts);

/// [{"id":"pull-failed","text":"…"}]; ids are stable.
[[nodiscard]] nlohmann::json alarms_json(const Facts& facts);

/// What waits for a person, or null.
[[nodiscard]] nlohmann::json held_json(const std::optional<HeldRelease>& held);

[[nodiscard]] nlohmann::json error_json(const Error& error);

}  // namespace sluice::service
