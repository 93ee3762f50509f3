// Base64 with padding (RFC 4648 section 4), as signed notes write hashes, keys and signatures.
//
// Thread safety: free functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice::tlog {

[[nodiscard]] std::string to_base64(std::string_view octets);

/// Only the one form that to_base64() gives: no white space, full padding, no stray bits.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace sluice::tlog
