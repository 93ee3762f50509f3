// Why a name gets the verdict that it gets: the ordered decision of DESIGN section 5, asked of a
// generation file without any running process, as one JSON document.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "config/policy/group_table.h"
#include "config/policy/policy.h"
#include "config/policy/timetable.h"

namespace sluice::ctl {

/// What is known of the device that asks; all of it may be left out.
struct Device {
  std::optional<policy::Mac> mac;
  std::optional<policy::Prefix> address;  // of full length
  policy::VlanMatch vlan;
  std::string port;
};

/// Reads "10.7.1.5" or "2001:db8::5", a MAC, and "100" or "100.7".
[[nodiscard]] Result<Device> parse_device(std::string_view address, std::string_view mac,
                                          std::string_view vlan, std::string_view port);

struct Question {
  const generation::Generation* generation = nullptr;
  const policy::PolicySet* policy = nullptr;
  std::string policy_from;         // "generation", or the configuration's file
  std::vector<std::string> ports;  // inside ports in order
  std::string name;
  Device device;
  policy::Moment moment;  // nullopt: as if nobody knew the time
};

[[nodiscard]] Result<nlohmann::ordered_json> explain(const Question& question);

/// The names of a mask's categories.
[[nodiscard]] nlohmann::ordered_json names_of(policy::CategoryMask mask);

/// What the clock has to do with it: each of the policy's hours, whether it blocks, and until when.
[[nodiscard]] nlohmann::ordered_json hours_json(const policy::PolicySet& set,
                                                const policy::Timetable& timetable,
                                                const policy::Policy* policy,
                                                policy::Moment moment);

/// What would make the verdict another, a sentence each.
[[nodiscard]] std::vector<std::string> what_would_change(const policy::Verdict& verdict,
                                                         const policy::ResolvedGroup& group,
                                                         const nlohmann::ordered_json& hours,
                                                         const nlohmann::ordered_json& records);

/// The document as a person reads it.
[[nodiscard]] std::string explanation_text(const nlohmann::ordered_json& document);

}  // namespace sluice::ctl
