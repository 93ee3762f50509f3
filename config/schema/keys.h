// What the files of the table of keys share. Not for use outside of them.
//
// Thread safety: constant data.
#pragma once

#include "config/policy/policy.h"
#include "config/schema/shape.h"

namespace sluice::schema {

/// What the authority signs has to find room whatever the site and the owners of files write. Their
/// part of policy::kMaxCuratedLists and policy::kMaxBudgets is the rest.
inline constexpr std::size_t kListsOfTheAuthority = 16;
inline constexpr std::size_t kBudgetsOfTheAuthority = 8;
inline constexpr std::size_t kMostOwnLists = policy::kMaxCuratedLists - kListsOfTheAuthority;
inline constexpr std::size_t kMostOwnBudgets = policy::kMaxBudgets - kBudgetsOfTheAuthority;

inline constexpr Shape kPath{.kind = Kind::path, .noun = "an absolute path"};
inline constexpr Shape kPortName{.kind = Kind::name, .noun = "the name of a port"};

constexpr Shape whole_number(std::int64_t minimum, std::int64_t maximum) {
  return {.kind = Kind::integer, .noun = "a whole number", .minimum = minimum, .maximum = maximum};
}
constexpr Shape one_of(std::span<const std::string_view> choices) {
  return {.kind = Kind::choice, .noun = "a word", .choices = choices};
}

// The wire (keys_ports.cpp).
extern const Shape kPorts;
extern const Shape kPairs;
extern const Shape kDataplane;

// Days and times (keys_times.cpp).
extern const Shape kCalendar;
extern const Shape kSchedules;

// What an appliance fetches (keys_downloads.cpp).
extern const Shape kAuthority;
extern const Shape kSubscriptions;
extern const Shape kProxy;

// What is let through alone, and modes (keys_policies.cpp).
extern const Shape kCurated;
extern const Shape kOnly;
extern const Shape kModes;
extern const Shape kPolicyPreset;

// What other owners refuse: which files (keys_layers.cpp), and what is in them (keys.cpp).
extern const Shape kLayers;
extern const Shape kLayerBody;
extern const Shape kSignedLayers;

// Search engines (keys_search.cpp).
extern const Shape kSafeSearch;
extern const Shape kSearchEngines;

// Minutes that devices may spend (keys_budgets.cpp).
extern const Shape kBudgets;
extern const Shape kBudgetNames;
extern const Shape kLayerBudgets;

}  // namespace sluice::schema
