#include "control/tuf/time.h"

#include <array>
#include <cstdio>

namespace sluice::tuf {
namespace {

/// Reads `digits` decimal digits at `at`; -1 where there are none.
int number(std::string_view text, std::size_t at, std::size_t digits) {
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

tl::unexpected<Error> not_a_time(std::string_view text) {
  return fail("is not a time in UTC", std::string(text), "write it as 2026-05-06T00:00:00Z");
}

}  // namespace

Time system_clock_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string to_text(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out.data();
}

Result<Time> parse_time_or_day(std::string_view text) {
  if (text.size() != 10) return parse_time(text);
  auto time = parse_time(std::string(text) + "T00:00:00Z");
  if (!time) return not_a_time(text);
  return time;
}

Result<Time> parse_time(std::string_view text) {
  const bool shape = text.size() == 20 && text[4] == '-' && text[7] == '-' && text[10] == 'T' &&
                     text[13] == ':' && text[16] == ':' && text[19] == 'Z';
  if (!shape) return not_a_time(text);
  const int year = number(text, 0, 4);
  const int month = number(text, 5, 2);
  const int day = number(text, 8, 2);
  const int hour = number(text, 11, 2);
  const int minute = number(text, 14, 2);
  const int second = number(text, 17, 2);
  const std::chrono::year_month_day date(std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)});
  const bool in_range = year >= 1970 && month > 0 && day > 0 && date.ok() && hour >= 0 &&
                        hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (!in_range) return not_a_time(text);
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

}  // namespace sluice::tuf
