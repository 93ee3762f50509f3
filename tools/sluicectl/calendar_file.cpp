#include "tools/sluicectl/calendar_file.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <libical/ical.h>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "config/calendar/zone.h"
#include "tools/sluicectl/calendar_event.h"
#include "tools/sluicectl/calendar_lines.h"

namespace sluice::ctl {
namespace {

using calendar::Day;
using std::chrono::days;

struct Free {
  void operator()(icalcomponent* component) const { icalcomponent_free(component); }
};

constexpr std::int64_t kSecondsOfDay = 86'400;
/// Calendars have a few thousand; a rule or a file that makes more would take all memory.
constexpr std::size_t kMaxEvents = 100'000;
constexpr Day kLastDay = std::chrono::year(9999) / 12 / 31;

Day day_of(std::int64_t seconds) {
  return Day(std::chrono::floor<days>(std::chrono::seconds(seconds)));
}

/// Which one of an event a RECURRENCE-ID names, by how it writes that: as a moment in Unix time, as
/// what a clock shows, or as a day alone.
enum class Written { moment, clock, day };
using Occurrence = std::tuple<std::string, Written, std::int64_t>;

/// What an occurrence's span is read into.
struct Reading {
  calendar::Days range;
  std::vector<calendar::Stretch> stretches;  // of the zone, over the range
  bool whole_days = false;                   // of the event at hand
  std::string summary;
  std::vector<CalendarEvent>* events;
  std::set<Occurrence> replaced;
  bool too_many = false;
  bool too_long = false;

  /// Unix time as the wall shows it; of a time that is no zone's, as it stands.
  [[nodiscard]] std::int64_t on_the_wall(std::int64_t moment) const {
    for (const calendar::Stretch& one : stretches) {
      if (moment < one.end) return moment + one.offset;
    }
    return moment + (stretches.empty() ? 0 : stretches.back().offset);
  }
};

bool is_single(icalcomponent* event) {
  return icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY) != nullptr;
}

std::string uid_of(icalcomponent* event) {
  const char* const uid = icalcomponent_get_uid(event);
  return uid == nullptr ? "" : uid;
}

/// What stands for an occurrence of a rule in its place (RFC 5545 section 3.8.4.4): elsewhere, or
/// nowhere.
void note_replaced(icalcomponent* root, Reading& reading) {
  for (icalcomponent* event = icalcomponent_get_first_component(root, ICAL_VEVENT_COMPONENT);
       event != nullptr; event = icalcomponent_get_next_component(root, ICAL_VEVENT_COMPONENT)) {
    if (!is_single(event)) continue;
    icalproperty* const id = icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY);
    const icaltimetype time = icalproperty_get_datetime_with_component(id, event);
    const std::int64_t clock = icaltime_as_timet(time);
    if (time.is_date != 0) {
      reading.replaced.insert({uid_of(event), Written::day, clock / kSecondsOfDay});
    } else if (time.zone == nullptr) {
      reading.replaced.insert({uid_of(event), Written::clock, clock});
    } else {
      reading.replaced.insert(
          {uid_of(event), Written::moment, icaltime_as_timet_with_zone(time, time.zone)});
    }
  }
}

/// `first`: when the event begins first; `start`: of this occurrence, in Unix time, or as a clock
/// shows it where the event has no zone.
bool is_replaced(icalcomponent* event, const icaltimetype& first, std::int64_t start,
                 const Reading& reading) {
  std::int64_t clock = start;
  if (first.zone != nullptr) {
    const icaltimetype moment =
        icaltime_from_timet_with_zone(start, 0, icaltimezone_get_utc_timezone());
    clock =
        icaltime_as_timet(icaltime_convert_to_zone(moment, const_cast<icaltimezone*>(first.zone)));
  }
  const std::string uid = uid_of(event);
  return reading.replaced.contains({uid, Written::clock, clock}) ||
         reading.replaced.contains({uid, Written::day, clock / kSecondsOfDay}) ||
         (first.zone != nullptr && reading.replaced.contains({uid, Written::moment, start}));
}

/// An occurrence, in seconds as the wall shows them; `until` is not included.
void note(Reading& reading, std::int64_t from, std::int64_t until) {
  const calendar::Days found{day_of(from), day_of(std::max(from, until - 1))};
  if (found.last < reading.range.first || found.first > reading.range.last) return;
  reading.too_many = reading.too_many || reading.events->size() == kMaxEvents;
  reading.too_long = reading.too_long || found.last > kLastDay;
  if (reading.too_many || reading.too_long) return;
  reading.events->push_back({found, reading.summary});
}

/// libical's callback; `span` is of Unix time, or of the wall's where the event has no zone.
void take(icalcomponent* component, icaltime_span* span, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  const icaltimetype start = icalcomponent_get_dtstart(component);
  if (!is_single(component) && is_replaced(component, start, span->start, reading)) return;
  const bool floats = reading.whole_days || start.zone == nullptr;
  std::int64_t from = span->start;
  std::int64_t until = span->end;
  if (!floats) {
    from = reading.on_the_wall(from);
    until = reading.on_the_wall(until);
  }
  // An end is not included (RFC 5545 section 3.6.1), but libical gives the last second of that day.
  if (reading.whole_days) until -= kSecondsOfDay - 1;
  note(reading, from, until);
}

/// A zone by the name that the file gives it; null where neither it nor the system knows it.
icaltimezone* zone_of(icalcomponent* root, const char* name) {
  icaltimezone* zone = icalcomponent_get_timezone(root, name);
  if (zone == nullptr) zone = icaltimezone_get_builtin_timezone(name);
  return zone != nullptr ? zone : icaltimezone_get_builtin_timezone_from_tzid(name);
}

/// Single dates besides the rule (RFC 5545 section 3.8.5.2), which libical takes for times in UTC
/// whatever zone they name: so they are taken out of the event, and looked at here.
void take_dates(icalcomponent* root, icalcomponent* event, Reading& reading) {
  icaltimetype first = icalcomponent_get_dtstart(event);
  const std::int64_t length = icaldurationtype_as_int(icalcomponent_get_duration(event));
  while (icalproperty* const date = icalcomponent_get_first_property(event, ICAL_RDATE_PROPERTY)) {
    icaltimetype time = icalproperty_get_rdate(date).time;
    icalparameter* const zone = icalproperty_get_first_parameter(date, ICAL_TZID_PARAMETER);
    if (zone != nullptr && time.is_date == 0) {
      time.zone = zone_of(root, icalparameter_get_tzid(zone));
    }
    icalcomponent_remove_property(event, date);
    icalproperty_free(date);
    const bool floats = reading.whole_days || time.zone == nullptr;
    std::int64_t from =
        floats ? icaltime_as_timet(time) : icaltime_as_timet_with_zone(time, time.zone);
    if (icalproperty_recurrence_is_excluded(event, &first, &time) != 0 ||
        is_replaced(event, time, from, reading)) {
      continue;
    }
    if (!floats) from = reading.on_the_wall(from);
    note(reading, from,
         from + (reading.whole_days ? std::max<std::int64_t>(length, kSecondsOfDay) : length));
  }
}

icaltimetype time_at(Day day) {
  return icaltime_from_timet_with_zone(day.time_since_epoch().count() * kSecondsOfDay, 0,
                                       icaltimezone_get_utc_timezone());
}

/// libical notes what it could not read, but not where that stands.
Status check_whole(icalcomponent* component, const std::vector<CalendarLine>& lines,
                   const std::string& file) {
  if (icalcomponent_count_errors(component) == 0) return {};
  for (const CalendarLine& line : lines) {
    const std::string property = property_of(line.text);
    if (property == "BEGIN" || property == "END") continue;
    icalproperty* const read = icalproperty_new_from_string(line.text.c_str());
    if (read == nullptr) {
      return fail("what stands behind " + property + " is no iCalendar",
                  place_of(file, line.number), "export it again; nothing was taken");
    }
    icalproperty_free(read);
  }
  return fail("is no iCalendar", file, "export it again; nothing was taken");
}

/// Zones by name that neither the file nor the system knows, each once.
std::vector<std::string> unknown_zones(icalcomponent* root,
                                       const std::vector<CalendarLine>& lines) {
  std::vector<std::string> out;
  for (const CalendarLine& line : lines) {
    if (line.text.find("TZID=") == std::string::npos) continue;
    icalproperty* const property = icalproperty_new_from_string(line.text.c_str());
    if (property == nullptr) continue;
    const char* const zone = icalproperty_get_parameter_as_string(property, "TZID");
    const std::string name = zone == nullptr ? "" : zone;
    icalproperty_free(property);
    const bool known = name.empty() || zone_of(root, name.c_str()) != nullptr;
    if (!known && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  return out;
}

}  // namespace

Result<CalendarFile> read_calendar(const std::string& text, const std::string& file,
                                   calendar::Days range, const std::string& time_zone) {
  // What touches the range may have begun long before it, and end long after.
  constexpr days kAYear(366);
  const auto seconds = [](Day day) { return day.time_since_epoch().count() * kSecondsOfDay; };
  auto stretches =
      calendar::stretches(time_zone, seconds(range.first - kAYear), seconds(range.last + kAYear));
  if (!stretches) return fail(stretches.error());
  const auto lines = calendar_lines(text, file);
  if (!lines) return fail(lines.error());
  std::string whole;
  std::vector<std::string> places;  // of events
  for (const CalendarLine& line : *lines) {
    whole += line.text + "\r\n";
    if (line.text == "BEGIN:VEVENT") places.push_back(place_of(file, line.number));
  }
  const std::unique_ptr<icalcomponent, Free> root(icalparser_parse_string(whole.c_str()));
  if (!root) return fail("is no iCalendar", file, "export it again; nothing was taken");
  if (auto status = check_whole(root.get(), *lines, file); !status) return fail(status.error());
  CalendarFile out;
  Reading reading{.range = range,
                  .stretches = std::move(*stretches),
                  .summary = {},
                  .events = &out.events,
                  .replaced = {}};
  note_replaced(root.get(), reading);
  out.unknown_zones = unknown_zones(root.get(), *lines);
  auto place = places.begin();
  for (icalcomponent* event = icalcomponent_get_first_component(root.get(), ICAL_VEVENT_COMPONENT);
       event != nullptr && place != places.end();
       event = icalcomponent_get_next_component(root.get(), ICAL_VEVENT_COMPONENT)) {
    const std::string where = *place++;
    if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED) {
      ++out.cancelled;
      continue;
    }
    if (is_single(event)) ++out.changed;
    if (auto status = check_event(event, where); !status) return fail(status.error());
    const icaltimetype start = icalcomponent_get_dtstart(event);
    const char* const summary = icalcomponent_get_summary(event);
    reading.whole_days = start.is_date != 0;
    reading.summary = summary == nullptr ? "" : summary;
    take_dates(root.get(), event, reading);
    icalcomponent_foreach_recurrence(event, time_at(range.first - days(2)),
                                     time_at(range.last + days(2)), &take, &reading);
    if (reading.too_many) {
      return fail("more than " + std::to_string(kMaxEvents) + " events", where,
                  "choose fewer days by --from and --until, or leave some out of the file");
    }
    if (reading.too_long) {
      return fail("an event that ends after the year 9999", where, "leave it out of the file");
    }
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
