// Days out of an iCalendar file (RFC 5545), as schools and states publish their holidays and terms.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/calendar/calendar.h"

namespace sluice::ctl {

struct CalendarEvent {
  calendar::Days days;
  std::string summary;
};

struct CalendarFile {
  std::vector<CalendarEvent> events;       // each occurrence; by first day
  std::uint64_t cancelled = 0;             // STATUS:CANCELLED, left out
  std::uint64_t changed = 0;               // single occurrences that were moved (RECURRENCE-ID)
  std::vector<std::string> unknown_zones;  // that neither the file defines nor the system knows
};

/// Occurrences that touch [from, until], both included. An event without times is the days that it
/// names; one with times is the days that it touches by the wall's clock in `time_zone`, which is
/// also the zone of times that name none, or an unknown one. `file`: its name, for places of
/// faults.
[[nodiscard]] Result<CalendarFile> read_calendar(const std::string& text, const std::string& file,
                                                 calendar::Days range,
                                                 const std::string& time_zone);

/// The days of all events, ascending; days that follow each other are one range.
[[nodiscard]] std::vector<calendar::Days> joined(const std::vector<CalendarEvent>& events);

/// "2026-10-01", or "2026-10-01/2026-10-07".
[[nodiscard]] std::string text(const calendar::Days& days);

}  // namespace sluice::ctl
