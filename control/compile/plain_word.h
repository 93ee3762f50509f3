// One word of a plain list as a name, or the reason why it is none; what the readers of all formats
// share. Not for use outside of the readers of plain lists.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "config/name/name.h"

namespace sluice::compile {

enum class Reason : std::uint8_t {
  url,
  ip_address,
  invalid_name,
  idn,
  top_level,
  local_name,
  wildcard,
  filter_rule,
  filter_exception,
  filter_cosmetic,
  filter_option,
  filter_open,
  filter_regex,
  dnsmasq_setting,
  dnsmasq_answer,
  rpz_action,
  rpz_trigger,
  zone_line,
  zone_other,
  zone_directive,
  zone_open,
  not_hosts,
  more_words,
  long_line,
  count_,
};

struct ReasonText {
  const char* reason;
  const char* detail;
};
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::count_);
[[nodiscard]] const ReasonText& text_of(Reason reason);

[[nodiscard]] std::string_view trimmed(std::string_view text);
/// The first word of `rest`, which is taken off it; empty at the end.
[[nodiscard]] std::string_view next_word(std::string_view& rest);
[[nodiscard]] bool is_address(std::string_view word);

/// A word that is not empty as a name, or why it is none.
[[nodiscard]] std::optional<Reason> read_word(std::string_view word, name::LookupName& name);

}  // namespace sluice::compile
