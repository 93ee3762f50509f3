// "Did you mean": the known word nearest to a misspelt one.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice::schema {

/// Empty where no word is near. Swapped neighbours count as one slip, and so do letter cases and
/// '-' for '_'; a word that was cut short is near to the one that begins so.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> known);

/// "did you mean 'fail'?" or, where nothing is near, "known are: a, b, c".
[[nodiscard]] std::string suggest(std::string_view word, std::span<const std::string_view> known);

/// "a, b, c"
[[nodiscard]] std::string join(std::span<const std::string_view> words);

}  // namespace sluice::schema
