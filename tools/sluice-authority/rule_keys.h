// The keys of the rules that an authority signs. An appliance passes over a key that it does not
// know, for it may be a newer authority's, and takes one of two that are equal: so who misspells
// one has to be told before it is signed.
//
// Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::authority {

/// Of guards.yaml. Fails with FILE:LINE:COLUMN where a key is unknown, or is there twice.
[[nodiscard]] Status check_guard_keys(std::string_view bytes, const std::string& file);
/// The same of rollout.json.
[[nodiscard]] Status check_rollout_keys(std::string_view bytes, const std::string& file);

}  // namespace sluice::authority
