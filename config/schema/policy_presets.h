// Policies that notices of authorities lay down, under a name.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "config/schema/config.h"

namespace sluice::schema {

inline constexpr std::array<std::string_view, 1> kPolicyPresets{"youth"};
[[nodiscard]] const std::vector<calendar::Preset>& policy_presets();

/// What stays from minors unless somebody decides otherwise.
[[nodiscard]] policy::CategoryMask default_categories();

/// A policy of a preset; the schedules that it needs are added to the configuration's, under names
/// that no configuration can give.
[[nodiscard]] policy::Policy policy_of_preset(std::string_view preset, Config& config);

}  // namespace sluice::schema
