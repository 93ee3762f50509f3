// When something holds: windows of the day, by the clock on the wall of a time zone, on days of a
// kind; and the moments at which they begin and end.
//
// A window holds at a moment where the wall's clock shows a time in it, so that an hour that the
// clock shows twice counts twice, and one that it leaps over is not there. A window that ends at or
// before the time it begins at goes on into the next day, and belongs to the day on which it
// begins.
//
// Thread safety: free functions on the caller's data. Nothing throws.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace sluice::calendar {

/// A date of the calendar on the wall, whatever the zone.
using Day = std::chrono::sys_days;

/// Dates from the first to the last, both included.
struct Days {
  Day first;
  Day last;
};

enum class Kind : std::uint8_t {
  monday,
  tuesday,
  wednesday,
  thursday,
  friday,
  saturday,
  sunday,
  every_day,
  public_holidays,  // of Calendar
  make_up_days,     // Calendar::working_days
  workdays,         // Monday to Friday but for public holidays, and make-up days
  rest_days,        // all others
  named,            // one of Calendar::dates
};

struct Selector {
  Kind kind = Kind::every_day;
  std::string name;  // of Kind::named
};
/// "monday", "public-holidays"; whatever is no such word is the name of dates.
[[nodiscard]] Selector selector_of(std::string_view word);
/// The words of all kinds but `named`, in their order.
[[nodiscard]] const std::vector<std::string_view>& words();

inline constexpr int kMinutesOfDay = 1440;

struct Window {
  std::vector<Selector> days;         // any of them
  std::vector<Selector> except;       // and none of these
  int from = 0;                       // minutes since midnight, [0, 1440)
  int until = kMinutesOfDay;          // (0, 1440]; not included
  std::vector<Selector> within = {};  // any of these besides, where there are some
};

struct Schedule {
  std::string name;
  std::vector<Window> windows;  // it holds where any of them does
};

struct Calendar {
  std::string time_zone;  // of the IANA database; empty: the system's
  std::vector<Days> public_holidays;
  std::vector<Days> working_days;  // that would otherwise be free, in exchange for a holiday
  std::map<std::string, std::vector<Days>, std::less<>> dates;
};

/// Whether the calendar's time zone is known; the error says how to find one.
[[nodiscard]] Status check_zone(const Calendar& calendar);

/// The moments, in seconds of Unix time and ascending, at which windows begin or end in [from,
/// until); `active`: whether they hold at `from`.
struct Toggles {
  bool active = false;
  std::vector<std::int64_t> at;

  /// At a moment in [from, until).
  [[nodiscard]] bool holds(std::int64_t moment) const;
};
/// Fails where the time zone is unknown.
[[nodiscard]] Result<Toggles> toggles(const Calendar& calendar, const std::vector<Window>& windows,
                                      std::int64_t from, std::int64_t until);

/// "2026-10-01", or "2026-10-01/2026-10-07" with the last day included.
[[nodiscard]] Result<Days> parse_days(std::string_view text);
/// "20:00" as minutes since midnight; "24:00" is the end of the day.
[[nodiscard]] Result<int> parse_time_of_day(std::string_view text);
/// "2026-12-04T20:30" or with seconds, as the wall's clock shows it in the zone; with "Z" or
/// "+08:00" at its end, of that offset. Of two moments that show the same, the first.
[[nodiscard]] Result<std::int64_t> parse_moment(std::string_view text,
                                                const std::string& time_zone);
/// "2026-12-04 20:30:00 +0800", as the wall's clock shows it.
[[nodiscard]] std::string moment_text(std::int64_t moment, const std::string& time_zone);

/// Windows and dates that notices of authorities lay down, under a name with their year.
struct Preset {
  std::string_view name;
  std::string_view says;    // for a person
  std::string_view source;  // the notice
};
inline constexpr std::array<std::string_view, 1> kSchedulePresets{"cn-minors-games-2021"};
[[nodiscard]] const std::vector<Preset>& schedule_presets();
/// Empty where there is no preset of that name.
[[nodiscard]] std::vector<Window> windows_of_preset(std::string_view name);
inline constexpr std::array<std::string_view, 1> kHolidayPresets{"cn-2026"};
[[nodiscard]] const std::vector<Preset>& holiday_presets();
struct Holidays {
  std::vector<Days> public_holidays;
  std::vector<Days> working_days;
};
[[nodiscard]] Holidays holidays_of_preset(std::string_view name);

}  // namespace sluice::calendar
