// Why a name gets the verdict that it gets: the ordered decision of DESIGN section 5, asked of a
// generation file without any running process, as one JSON document.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <functional>
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
  /// Entries that end before the moment, and modes that begin after it, do not count: what runs
  /// will have another generation then, or had one.
  bool at_another_time = false;
  /// The device that the dataplane has found it to be, as it answers `devices`; null where it was
  /// not asked, or knows of none.
  nlohmann::json named = nullptr;
  /// What the dataplane says that the device has spent, as it answers `budgets`; null where it was
  /// not asked, or does not say.
  nlohmann::json spent = nullptr;
  policy::Moment now;           // when the dataplane said so; nullopt: it is meant of any day
  bool ask_until_when = false;  // which takes a look at each moment of the year to come
};

[[nodiscard]] Result<nlohmann::ordered_json> explain(const Question& question);

/// DESIGN section 6, in a person's words. `decider`: the record that decided, where there is one.
/// `safe`: what is asked for in the name's place, where that is so.
[[nodiscard]] nlohmann::ordered_json what_the_client_gets(
    const policy::Verdict& verdict, const policy::BlockAnswer& answer,
    const std::optional<generation::Record>& decider, const std::string& safe,
    const policy::Masks& masks);
[[nodiscard]] std::string address_text(int family, const void* address);

/// The names of a mask's categories.
[[nodiscard]] nlohmann::ordered_json names_of(policy::CategoryMask mask);

/// What the clock has to do with it: each of the policy's hours, whether it blocks, and until when.
[[nodiscard]] nlohmann::ordered_json hours_json(const policy::PolicySet& set,
                                                const policy::Timetable& timetable,
                                                const policy::Policy* policy,
                                                policy::Moment moment);

/// What the lists say of a name.
struct Listed {
  struct Entry {
    generation::Covering covering;
    generation::Provenance from;
    bool ended = false;  // before the moment that is asked about
  };
  generation::Answer answer;
  std::vector<Entry> entries;  // all that cover the name, from the least to the most specific
  /// The one that decided a category; where category is 0, the most specific one of any kind.
  [[nodiscard]] std::optional<generation::Record> decider(std::uint8_t category) const;
};
/// `ends_by`: the moment by which entries have to have gone on; nullopt: all of them count.
[[nodiscard]] Result<Listed> listed(const generation::Generation& generation,
                                    const name::LookupName& name, policy::Moment ends_by);

/// Which policy it is, and why: the group's own, or a mode's.
struct Standing {
  std::uint16_t group = 0;  // index into GroupTable::groups(), of what decides
  const policy::Mode* mode = nullptr;
  policy::Policy policy;
  /// Whose refusals add up, that policy first, and what each blocks at the moment.
  struct Layer {
    policy::Policy policy;
    policy::CategoryMask blocks = 0;
  };
  std::vector<Layer> layers;
  policy::Masks masks;
};
[[nodiscard]] Standing standing_of(const policy::PolicySet& set, const policy::GroupTable& groups,
                                   const policy::Timetable& timetable, const policy::Client& client,
                                   policy::Moment moment);
/// null where there is no mode.
[[nodiscard]] nlohmann::ordered_json mode_json(const policy::Mode* mode,
                                               const std::string& time_zone);
/// The policy's budgets that the categories are in, and what the device has left of them;
/// `used_up`: whether of any nothing.
[[nodiscard]] nlohmann::ordered_json budgets_json(const Question& question,
                                                  const Standing& standing,
                                                  policy::CategoryMask categories, bool& used_up);
/// What a policy's `only` has to do with it: "yes: 'lessons'", or "no".
[[nodiscard]] std::string let_through(const policy::Policy& policy,
                                      const nlohmann::ordered_json& lists,
                                      policy::CategoryMask categories);
/// The curated lists that have to do with a name.
[[nodiscard]] nlohmann::ordered_json lists_json(const policy::PolicySet& set,
                                                const Standing& standing, const std::string& name);

/// What a verdict hangs on.
struct Changing {
  const policy::PolicySet& set;
  const policy::Timetable& timetable;
  const Standing& standing;
  policy::Moment moment;
  policy::CategoryMask categories = 0;  // of the name
  const nlohmann::ordered_json& lists;
  const nlohmann::ordered_json& records;
  const nlohmann::ordered_json& budgets;
};
/// What would make the verdict another, a sentence each; any of them is enough.
[[nodiscard]] std::vector<std::string> what_would_change(const policy::Verdict& verdict,
                                                         const Changing& what);

/// Until when the clock lets the verdict's action stand, and what comes then; null where that is
/// not within what was worked out. `judge`: the verdict by other masks.
[[nodiscard]] nlohmann::ordered_json next_by_the_clock(
    const policy::PolicySet& set, const policy::GroupTable& groups,
    const policy::Timetable& timetable, const policy::Client& client, std::int64_t moment,
    const policy::Verdict& verdict,
    const std::function<policy::Verdict(const policy::Masks&)>& judge);

/// What of a group's definition the device met.
[[nodiscard]] std::string matched_rule(const policy::PolicySet& set, const std::string& group,
                                       policy::MatchedBy by, const Device& device);
/// The device as its frames tell it. `ports`: the inside ports in order.
[[nodiscard]] Result<policy::Client> client_of(const Device& device,
                                               const std::vector<std::string>& ports);
/// Who alone can loosen a policy.
[[nodiscard]] std::string owner_of(const policy::PolicySet& set, const std::string& policy);
/// The rules of section 5 one after the other, up to the one that decided. `engine`: the search
/// engine that the name is; may be null.
[[nodiscard]] nlohmann::ordered_json steps_json(const policy::PolicySet& set,
                                                const generation::Answer& answer,
                                                const Standing& standing,
                                                const nlohmann::ordered_json& lists,
                                                const policy::SearchEngine* engine,
                                                const policy::Verdict& verdict);
/// What is closed for the device besides names, and by which policies.
[[nodiscard]] nlohmann::ordered_json switches_json(const Standing& standing);

/// The document as a person reads it.
[[nodiscard]] std::string explanation_text(const nlohmann::ordered_json& document);

}  // namespace sluice::ctl
