// What a configuration says that is no fault and still hardly meant: what nothing comes of, or
// something else than its words suggest. Part of doubts(), which config.h declares.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema/bind.h"

namespace sluice::schema {

/// What is looked at: a configuration without faults, the document it was read from, and the
/// stretch of time that counts, in seconds of Unix time.
struct Doubted {
  const TextNode& root;
  const Config& config;
  std::int64_t from = 0;
  std::int64_t until = 0;
};

/// "policies.pupils.block[2]"
[[nodiscard]] inline std::string item_path(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

/// Days of two kinds, years that are over, windows that never come or add nothing.
void doubt_times(const Doubted& doubted, Faults& notes);
/// Hours, budgets and lists of policies that never decide anything, or always.
void doubt_policies(const Doubted& doubted, Faults& notes);
/// Devices that are in another group, or nowhere.
void doubt_groups(const Doubted& doubted, Faults& notes);
/// Groups that a device leaves by another MAC address, or over the other IP version, for a
/// default_policy that refuses less.
void doubt_ways_out(const Doubted& doubted, Faults& notes);

}  // namespace sluice::schema
