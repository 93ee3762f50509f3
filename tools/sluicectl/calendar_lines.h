// The lines of an iCalendar file (RFC 5545 section 3.1) that days hang on, each with its place in
// the file. What an event says besides — texts, guests, alarms, and what its writer has left empty
// or broken there — is no reason to refuse its days.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace sluice::ctl {

struct CalendarLine {
  std::size_t number = 0;  // of the file, from 1: where it begins
  std::string text;        // unfolded, without its end
};

/// BEGIN and END of events and time zones, and their properties that days hang on, within one
/// VCALENDAR. `file`: its name, for places of faults.
[[nodiscard]] Result<std::vector<CalendarLine>> calendar_lines(std::string_view text,
                                                               const std::string& file);

/// "DTSTART" of "DTSTART;VALUE=DATE:20261001", in capitals; empty where it is no property.
[[nodiscard]] std::string property_of(std::string_view line);
/// "holidays.ics:12:1"
[[nodiscard]] std::string place_of(const std::string& file, std::size_t line);

}  // namespace sluice::ctl
