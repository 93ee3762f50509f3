// Why a name gets the verdict that it gets: the ordered decision of DESIGN section 5, asked of a
// generation file without any running process, as one JSON document.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <filesystem>
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

/// What the lists say of a name.
struct Listed {
  struct Entry {
    generation::Covering covering;
    generation::Provenance from;
    policy::Moment begins;  // of one that is in no generation yet
    bool ended = false;     // before the moment that is asked about
    bool pending = false;   // begins after it
    [[nodiscard]] bool counts() const { return !ended && !pending; }
  };
  generation::Answer answer;
  std::vector<Entry> entries;  // all that cover the name, from the least to the most specific
  /// The one that decided a category; where category is 0, the most specific one of any kind.
  [[nodiscard]] std::optional<generation::Record> decider(std::uint8_t category) const;
};

struct Question {
  const generation::Generation* generation = nullptr;
  const policy::PolicySet* policy = nullptr;
  std::string policy_from;         // "generation", or the configuration's file
  std::vector<std::string> ports;  // inside ports in order
  std::string name;
  Device device;
  policy::Moment moment;  // nullopt: as if nobody knew the time
  /// Entries that end before the moment, and modes that begin after it, do not count, and entries
  /// that begin by then do: what runs will have another generation then, or had one.
  bool at_another_time = false;
  /// The device that the dataplane has found it to be, as it answers `devices`; null where it was
  /// not asked, or knows of none.
  nlohmann::json named = nullptr;
  /// What the dataplane says that the device has spent, as it answers `budgets`; null where it was
  /// not asked, or does not say.
  nlohmann::json spent = nullptr;
  policy::Moment now;                // when the dataplane said so; nullopt: it is meant of any day
  std::vector<Listed::Entry> later;  // as listed_later() finds them
  bool ask_until_when = false;       // which takes a look at each moment of the year to come
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

/// What the clock has to do with it: each of the policy's hours, whether it blocks, until when, and
/// whether it has to do with categories of the name.
[[nodiscard]] nlohmann::ordered_json hours_json(const policy::PolicySet& set,
                                                const policy::Timetable& timetable,
                                                const policy::Policy* policy,
                                                policy::CategoryMask of_name,
                                                policy::Moment moment);

/// `at`: the moment by which entries have to have begun and not ended; nullopt: all that the
/// generation has count. `later`: entries that it has not yet.
[[nodiscard]] Result<Listed> listed(const generation::Generation& generation,
                                    const name::LookupName& name, policy::Moment at,
                                    const std::vector<Listed::Entry>& later = {});
/// The entries of the lists that are kept in a state_dir which cover the name and begin after
/// `now`, of the next kMostBeginnings moments at which any order begins; none where the lists are
/// not those of the generation, or cannot be read.
inline constexpr std::size_t kMostBeginnings = 4;
[[nodiscard]] std::vector<Listed::Entry> listed_later(const generation::Generation& generation,
                                                      const std::filesystem::path& state_dir,
                                                      const std::string& name, std::int64_t now);

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
/// `used_up`: the categories of those of which nothing is.
[[nodiscard]] nlohmann::ordered_json budgets_json(const Question& question,
                                                  const policy::Masks& masks,
                                                  policy::CategoryMask categories,
                                                  policy::CategoryMask& used_up);
/// What was spent, but for days that begin after the moment that is asked about: nobody knows at
/// what time of them it was.
[[nodiscard]] nlohmann::json spent_until(const Question& question);
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

/// A verdict by what is listed and what holds; `used_up`: the categories of the budgets that the
/// device has used up.
using Judge = std::function<policy::Verdict(
    const generation::Answer& answer, const policy::Masks& masks, policy::CategoryMask used_up)>;
/// What a question is about, and what it was found to be.
struct Asked {
  const Question& question;
  const policy::PolicySet& set;
  const policy::GroupTable& groups;
  const policy::Timetable& timetable;
  const policy::Client& client;
  const name::LookupName& name;
  const Listed& on_lists;
  const policy::Verdict& verdict;
};
/// Until when the clock alone lets the verdict's action stand, and what comes then: schedules,
/// modes and entries that end, entries that begin, and the next day or week of a budget that is
/// used up. null where that is not within what was worked out. `budgets`: as budgets_json() told
/// them of the moment that is asked about.
[[nodiscard]] nlohmann::ordered_json next_by_the_clock(const Asked& asked,
                                                       const nlohmann::ordered_json& budgets,
                                                       const Judge& judge);

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
