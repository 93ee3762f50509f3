// Octets and characters of a text file.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::schema {

/// Offset of the first octet that is not part of well-formed UTF-8 (RFC 3629 section 4), or npos.
[[nodiscard]] std::size_t find_malformed_utf8(std::string_view text);

/// Number of characters in well-formed text.
[[nodiscard]] std::size_t count_characters(std::string_view text);

}  // namespace sluice::schema
