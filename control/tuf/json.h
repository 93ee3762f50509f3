// JSON of signed documents: a strict reader, the canonical writer, and typed access to fields.
//
// A signature covers the canonical form of what was parsed, so whatever two readers could see
// differently is refused: a key twice in one object, a number with a fraction or exponent or beyond
// 2^53 - 1, nesting beyond 32. Canonical JSON: OLPC's, as TUF 1.0 section 4.2 asks.
//
// Thread safety: free functions; a FieldReader belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"

namespace sluice::tuf {

using Json = nlohmann::json;

inline constexpr std::size_t kMaxJsonDepth = 32;

/// `where` names the document in errors.
[[nodiscard]] Result<Json> parse_strict(std::string_view bytes, std::string_view where);

/// Keys sorted by octets, no white space, only '"' and '\' escaped. The value must come from
/// parse_strict() or hold no fractions.
[[nodiscard]] std::string canonical(const Json& value);

/// Reads fields of one object. The first fault is kept and every later read returns a default, so
/// that a parser is a list of fields with one check at its end.
class FieldReader {
 public:
  /// `object` must outlive the reader.
  FieldReader(const Json& object, std::string where);

  [[nodiscard]] std::string text(const char* key);
  [[nodiscard]] std::string text_or(const char* key, std::string fallback);
  [[nodiscard]] std::uint64_t number(const char* key);
  [[nodiscard]] std::optional<std::uint64_t> number_if_any(const char* key);
  [[nodiscard]] bool boolean(const char* key);
  [[nodiscard]] std::vector<std::string> texts(const char* key);
  /// An empty object where it is missing; `required` makes that a fault.
  [[nodiscard]] const Json& object(const char* key, bool required = true);
  [[nodiscard]] const Json& array(const char* key);
  void fault(std::string what);

  [[nodiscard]] bool good() const { return !error_; }
  /// Only when !good().
  [[nodiscard]] tl::unexpected<Error> failure() const { return fail(*error_); }

 private:
  const Json* find(const char* key, bool required);

  const Json* object_;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace sluice::tuf
