// Dates, times and words for days, as people write them.
#include <algorithm>
#include <charconv>
#include <optional>

#include "config/calendar/calendar.h"

namespace sluice::calendar {
namespace {

/// Exactly so many decimal digits.
std::optional<int> digits(std::string_view text, std::size_t count) {
  if (text.size() != count) return std::nullopt;
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + count, value);
  if (code != std::errc{} || end != text.data() + count || text[0] == '-') return std::nullopt;
  return value;
}

std::optional<Day> parse_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits(text.substr(0, 4), 4);
  const auto month = digits(text.substr(5, 2), 2);
  const auto day = digits(text.substr(8, 2), 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return Day(date);
}

}  // namespace

const std::vector<std::string_view>& words() {
  static const std::vector<std::string_view> kWords{
      "monday", "tuesday",   "wednesday",       "thursday",     "friday",   "saturday",
      "sunday", "every-day", "public-holidays", "make-up-days", "workdays", "rest-days"};
  return kWords;
}

Selector selector_of(std::string_view word) {
  const auto found = std::find(words().begin(), words().end(), word);
  if (found == words().end()) return {Kind::named, std::string(word)};
  return {static_cast<Kind>(found - words().begin()), {}};
}

Result<Days> parse_days(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto first = parse_day(text.substr(0, slash));
  const auto last = slash == std::string_view::npos ? first : parse_day(text.substr(slash + 1));
  if (!first || !last) {
    return fail("is no date", "", "write it as 2026-10-01, or several as 2026-10-01/2026-10-07");
  }
  if (*last < *first) return fail("ends before it begins", "", "write the earlier date first");
  return Days{*first, *last};
}

Result<int> parse_time_of_day(std::string_view text) {
  if (text.size() == 5 && text[2] == ':') {
    const int hours = digits(text.substr(0, 2), 2).value_or(99);
    const int minutes = digits(text.substr(3), 2).value_or(99);
    if (minutes < 60 && hours * 60 + minutes <= kMinutesOfDay) return hours * 60 + minutes;
  }
  return fail("is no time of the day", "", "write it as \"20:00\", from \"00:00\" to \"24:00\"");
}

}  // namespace sluice::calendar
