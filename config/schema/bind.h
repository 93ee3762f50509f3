// From a checked document to the structs, with the checks that need more than one key: names that
// must exist, devices claimed twice, files that must be there.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema/document.h"

namespace sluice::schema {

/// The usable value of a key: in its shape, and the first where the key is given twice.
[[nodiscard]] const TextNode* find(const TextNode& mapping, std::string_view key);

/// The key's value into `out`, which stays as it is where the key is left out.
void take(const TextNode& mapping, std::string_view key, std::string& out);
void take(const TextNode& mapping, std::string_view key, std::filesystem::path& out);
void take(const TextNode& mapping, std::string_view key, std::uint32_t& out);

/// Entries of a mapping of names that keep to its shape, without duplicates.
[[nodiscard]] std::vector<const Member*> entries(const TextNode* mapping);

/// The names that a mapping defines, even where their values have faults.
[[nodiscard]] std::vector<std::string_view> names(const TextNode* mapping);

/// Reports a word that is none of the defined ones, as "no port is named 'x'".
bool check_reference(const TextNode& word, std::string_view what,
                     const std::vector<std::string_view>& known, const std::string& path,
                     Faults& faults);

void bind_ports(const TextNode& root, Config& config, Faults& faults);
void bind_times(const TextNode& root, Config& config, Faults& faults);
void bind_curated(const TextNode& root, Config& config, Faults& faults);
/// Of the site and the owners of files, and of the authority. A matter of memory, not of speed: all
/// of them travel in each generation.
inline constexpr std::size_t kMaxCuratedNames = 100'000;
inline constexpr std::size_t kNamesOfTheAuthority = 16'384;
/// `room`: for how many curated names there is.
[[nodiscard]] std::vector<policy::CuratedList> bind_curated_lists(const TextNode* curated,
                                                                  const std::string& path,
                                                                  std::size_t room, Faults& faults);
/// `policy`: the mapping of one, at `path`; `lists`: words for config.policy.curated, in their
/// order.
void bind_only(const TextNode& policy, const std::string& path,
               const std::vector<std::string_view>& lists, policy::Policy& out, Faults& faults);
/// After bind_policies(): engines travel only where a policy has use for them.
void bind_engines(const TextNode& root, Config& config, Faults& faults);
void bind_budgets(const TextNode& root, Config& config, Faults& faults);
[[nodiscard]] std::vector<policy::Budget> bind_budget_definitions(const TextNode* budgets,
                                                                  const std::string& path,
                                                                  Faults& faults);
/// `root`: where budgets are defined.
void bind_budget_names(const TextNode& policy, const std::string& path, const TextNode& root,
                       policy::Policy& out, Faults& faults);
void bind_modes(const TextNode& root, Config& config, Faults& faults);
void bind_policies(const TextNode& root, Config& config, Faults& faults);
/// Words for what a policy may name, in the order of config.policy.schedules and .curated.
struct Words {
  std::vector<std::string_view> schedules;
  std::vector<std::string_view> lists;
};
/// What a policy's mapping says of itself. `root`: which budgets there are.
void bind_policy(const TextNode& value, const std::string& path, const TextNode& root,
                 const Words& words, policy::Policy& policy, Faults& faults);
/// `dates`: names of days that the windows may use besides those that always are.
[[nodiscard]] std::vector<calendar::Schedule> bind_schedules(
    const TextNode* schedules, const std::string& path, const std::vector<std::string_view>& dates,
    Faults& faults);
/// After all others: files of other owners. Returns their faults.
[[nodiscard]] std::vector<Fault> bind_layers(const TextNode& root, Config& config, Faults& faults);
void bind_groups(const TextNode& root, Config& config, Faults& faults);
void bind_settings(const TextNode& root, Config& config, Faults& faults);
/// After bind_policies().
void bind_downloads(const TextNode& root, Config& config, References references, Faults& faults);

}  // namespace sluice::schema
