// JSON from and to text. The library's reader and writer are templates, which take a compiler
// seconds wherever they are used: here, once.
//
// Thread safety: free functions.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace sluice {

/// is_discarded() where the text is not JSON.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

/// The text under a key; empty where no text stands there, or where `value` is no object.
[[nodiscard]] std::string text_at(const nlohmann::json& value, const char* key);

/// On one line, or indented by so many columns. Throws where a string in it is not UTF-8.
[[nodiscard]] std::string json_text(const nlohmann::json& value, int indent = -1);
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& value, int indent = -1);

/// As json_text(), with U+FFFD for octets that are not UTF-8.
[[nodiscard]] std::string lenient_json_text(const nlohmann::json& value, int indent = -1);
[[nodiscard]] std::string lenient_json_text(const nlohmann::ordered_json& value, int indent = -1);

}  // namespace sluice
