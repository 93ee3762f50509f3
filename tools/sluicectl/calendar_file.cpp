#include "tools/sluicectl/calendar_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <libical/ical.h>
#include <memory>

#include "config/calendar/zone.h"

namespace sluice::ctl {
namespace {

using calendar::Day;
using std::chrono::days;

struct Free {
  void operator()(icalcomponent* component) const { icalcomponent_free(component); }
};

constexpr std::int64_t kSecondsOfDay = 86'400;

Day day_of(std::int64_t seconds) {
  return Day(std::chrono::floor<days>(std::chrono::seconds(seconds)));
}

/// What an occurrence's span is read into.
struct Reading {
  calendar::Days range;
  std::vector<calendar::Stretch> stretches;  // of the zone, over the range
  bool whole_days = false;                   // of the event at hand
  std::string summary;
  std::vector<CalendarEvent>* events;

  /// Unix time as the wall shows it; of a time that is no zone's, as it stands.
  [[nodiscard]] std::int64_t on_the_wall(std::int64_t moment) const {
    for (const calendar::Stretch& one : stretches) {
      if (moment < one.end) return moment + one.offset;
    }
    return moment;
  }
};

/// libical's callback; `span` is of Unix time, or of the wall's where the event has no zone.
void take(icalcomponent* component, icaltime_span* span, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  const icaltimetype start = icalcomponent_get_dtstart(component);
  const bool floats = reading.whole_days || start.zone == nullptr;
  std::int64_t from = span->start;
  std::int64_t until = span->end;
  if (!floats) {
    from = reading.on_the_wall(from);
    until = reading.on_the_wall(until);
  }
  // An end is not included (RFC 5545 section 3.6.1), but libical gives the last second of that day.
  if (reading.whole_days) until -= kSecondsOfDay - 1;
  const calendar::Days found{day_of(from), day_of(std::max(from, until - 1))};
  if (found.last < reading.range.first || found.first > reading.range.last) return;
  reading.events->push_back({found, reading.summary});
}

icaltimetype time_at(Day day) {
  return icaltime_from_timet_with_zone(day.time_since_epoch().count() * kSecondsOfDay, 0,
                                       icaltimezone_get_utc_timezone());
}

/// libical notes what it could not read as properties.
Status check_whole(icalcomponent* component) {
  const int faults = icalcomponent_count_errors(component);
  if (faults == 0) return {};
  return fail(std::to_string(faults) + " of its lines are no iCalendar", {},
              "export it again; nothing was taken");
}

/// Days are wanted; a rule for each second would be followed through months of them.
Status check_rules(icalcomponent* event) {
  for (icalproperty* rule = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
       rule != nullptr; rule = icalcomponent_get_next_property(event, ICAL_RRULE_PROPERTY)) {
    const icalrecurrencetype_frequency frequency = icalproperty_get_rrule(rule).freq;
    if (frequency == ICAL_SECONDLY_RECURRENCE || frequency == ICAL_MINUTELY_RECURRENCE ||
        frequency == ICAL_HOURLY_RECURRENCE) {
      return fail("an event that comes back within a day", {}, "leave it out of the file");
    }
  }
  return {};
}

}  // namespace

Result<CalendarFile> read_calendar(const std::string& text, calendar::Days range,
                                   const std::string& time_zone) {
  // A day more on both sides: zones are up to 14 hours from UTC.
  const auto seconds = [](Day day) { return day.time_since_epoch().count() * kSecondsOfDay; };
  auto stretches =
      calendar::stretches(time_zone, seconds(range.first - days(2)), seconds(range.last + days(3)));
  if (!stretches) return fail(stretches.error());
  const std::unique_ptr<icalcomponent, Free> root(icalparser_parse_string(text.c_str()));
  if (!root || icalcomponent_isa(root.get()) != ICAL_VCALENDAR_COMPONENT) {
    return fail("no calendar", {}, "an iCalendar file begins with BEGIN:VCALENDAR (RFC 5545)");
  }
  if (auto status = check_whole(root.get()); !status) return fail(status.error());
  CalendarFile out;
  Reading reading{
      .range = range, .stretches = std::move(*stretches), .summary = {}, .events = &out.events};
  for (icalcomponent* event = icalcomponent_get_first_component(root.get(), ICAL_VEVENT_COMPONENT);
       event != nullptr;
       event = icalcomponent_get_next_component(root.get(), ICAL_VEVENT_COMPONENT)) {
    if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED) {
      ++out.cancelled;
      continue;
    }
    if (icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY) != nullptr) {
      ++out.changed;
    }
    if (auto status = check_rules(event); !status) return fail(status.error());
    const icaltimetype start = icalcomponent_get_dtstart(event);
    if (icaltime_is_null_time(start)) {
      return fail("an event without a beginning (DTSTART)", {}, "export it again");
    }
    const char* const summary = icalcomponent_get_summary(event);
    reading.whole_days = start.is_date != 0;
    reading.summary = summary == nullptr ? "" : summary;
    icalcomponent_foreach_recurrence(event, time_at(range.first - days(2)),
                                     time_at(range.last + days(2)), &take, &reading);
  }
  std::stable_sort(out.events.begin(), out.events.end(),
                   [](const auto& a, const auto& b) { return a.days.first < b.days.first; });
  return out;
}

std::vector<calendar::Days> joined(const std::vector<CalendarEvent>& events) {
  std::vector<calendar::Days> out;
  for (const CalendarEvent& event : events) {
    if (!out.empty() && event.days.first <= out.back().last + days(1)) {
      out.back().last = std::max(out.back().last, event.days.last);
    } else {
      out.push_back(event.days);
    }
  }
  return out;
}

std::string text(const calendar::Days& range) {
  const auto one = [](Day day) {
    const std::chrono::year_month_day date(day);
    std::array<char, 40> buffer;
    std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    return std::string(buffer.data());
  };
  return range.first == range.last ? one(range.first) : one(range.first) + "/" + one(range.last);
}

}  // namespace sluice::ctl
