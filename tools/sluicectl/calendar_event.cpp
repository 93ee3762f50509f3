#include "tools/sluicectl/calendar_event.h"

namespace sluice::ctl {
namespace {

/// Several times a day; a few hours are no more than a day's events.
bool is_within_a_day(const icalrecurrencetype& rule) {
  const auto has_several = [](const short* by) {
    return by[0] != ICAL_RECURRENCE_ARRAY_MAX && by[1] != ICAL_RECURRENCE_ARRAY_MAX;
  };
  return rule.freq == ICAL_SECONDLY_RECURRENCE || rule.freq == ICAL_MINUTELY_RECURRENCE ||
         rule.freq == ICAL_HOURLY_RECURRENCE || has_several(rule.by_second) ||
         has_several(rule.by_minute);
}

/// Days are wanted; a rule for each second would be followed through months of them.
Status check_rules(icalcomponent* event, const std::string& where) {
  for (const auto kind : {ICAL_RRULE_PROPERTY, ICAL_EXRULE_PROPERTY}) {
    for (icalproperty* rule = icalcomponent_get_first_property(event, kind); rule != nullptr;
         rule = icalcomponent_get_next_property(event, kind)) {
      if (is_within_a_day(kind == ICAL_RRULE_PROPERTY ? icalproperty_get_rrule(rule)
                                                      : icalproperty_get_exrule(rule))) {
        return fail("an event that comes back within a day", where, "leave it out of the file");
      }
    }
  }
  return {};
}

/// Every few weeks on several days, libical loses days where weeks begin on another one than Sunday
/// or Monday (WKST). One of those will do as well where it leaves all of the days in the same week
/// as that of `first`, when the event begins; false where neither does.
bool follow_weeks(icalrecurrencetype& rule, const icaltimetype& first) {
  if (rule.freq != ICAL_WEEKLY_RECURRENCE || rule.interval <= 1) return true;
  const auto place = [](int day, icalrecurrencetype_weekday week_start) {
    return (day - static_cast<int>(week_start) + 7) % 7;
  };
  const int first_day = icaltime_day_of_week(first);
  for (const auto other : {rule.week_start, ICAL_MONDAY_WEEKDAY, ICAL_SUNDAY_WEEKDAY}) {
    if (other != ICAL_MONDAY_WEEKDAY && other != ICAL_SUNDAY_WEEKDAY) continue;
    bool same = true;
    for (const short* by = rule.by_day; *by != ICAL_RECURRENCE_ARRAY_MAX; ++by) {
      const int day = static_cast<int>(icalrecurrencetype_day_day_of_week(*by));
      same = same && place(day, other) - place(first_day, other) ==
                         place(day, rule.week_start) - place(first_day, rule.week_start);
    }
    if (!same) continue;
    rule.week_start = other;
    return true;
  }
  return false;
}

template <class Test>
bool any_of(const short* by, const Test& test) {
  for (; *by != ICAL_RECURRENCE_ARRAY_MAX; ++by) {
    if (test(*by)) return true;
  }
  return false;
}

/// Of weeks across the end of a year libical finds days that are not theirs, and day by day it
/// knows no days that are counted from an end.
Status check_numbers(const icalrecurrencetype& rule, const std::string& where) {
  constexpr const char* kAdvice = "write its days as events of their own";
  constexpr short kFirstWhole = 2;
  constexpr short kLastWhole = 51;
  if (any_of(rule.by_week_no, [](short week) { return week < kFirstWhole || week > kLastWhole; })) {
    return fail("an event that comes back in a week that may be of two years (BYWEEKNO)", where,
                kAdvice);
  }
  const auto from_the_end = [](short day) { return day < 0; };
  if (rule.freq == ICAL_DAILY_RECURRENCE &&
      (any_of(rule.by_month_day, from_the_end) || any_of(rule.by_year_day, from_the_end))) {
    return fail("an event that comes back daily on days counted from the end of a month or year",
                where, kAdvice);
  }
  return {};
}

Status check_weeks(icalcomponent* event, const icaltimetype& first, const std::string& where) {
  for (icalproperty* one = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
       one != nullptr; one = icalcomponent_get_next_property(event, ICAL_RRULE_PROPERTY)) {
    icalrecurrencetype rule = icalproperty_get_rrule(one);
    if (auto status = check_numbers(rule, where); !status) return status;
    if (!follow_weeks(rule, first)) {
      return fail("an event that comes back every few weeks on days that WKST puts apart", where,
                  "write its days as events of their own");
    }
    icalproperty_set_rrule(one, rule);
  }
  return {};
}

/// What libical would leave out in silence, so that days were missing or wrong.
Status check_followed(icalcomponent* event, const std::string& where) {
  icalproperty* const id = icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY);
  if (id != nullptr && icalproperty_get_first_parameter(id, ICAL_RANGE_PARAMETER) != nullptr) {
    return fail("an event that moves all that come after it as well (RANGE=THISANDFUTURE)", where,
                "write those as an event of their own");
  }
  for (icalproperty* date = icalcomponent_get_first_property(event, ICAL_RDATE_PROPERTY);
       date != nullptr; date = icalcomponent_get_next_property(event, ICAL_RDATE_PROPERTY)) {
    if (icaltime_is_null_time(icalproperty_get_rdate(date).time)) {
      return fail("an event that comes back for periods (RDATE;VALUE=PERIOD)", where,
                  "write those as events of their own");
    }
  }
  const icaltimetype end = icalcomponent_get_dtend(event);
  if (!icaltime_is_null_time(end) && icaltime_compare(end, icalcomponent_get_dtstart(event)) < 0) {
    return fail("an event that ends before it begins", where, "correct its DTEND");
  }
  return {};
}

/// libical takes the 30th of February for the 2nd of March.
bool is_day(const icaltimetype& time) {
  return time.month >= 1 && time.month <= 12 && time.day >= 1 &&
         time.day <= icaltime_days_in_month(time.month, time.year);
}

}  // namespace

Status check_event(icalcomponent* event, const std::string& where) {
  if (auto status = check_rules(event, where); !status) return status;
  const icaltimetype start = icalcomponent_get_dtstart(event);
  if (icaltime_is_null_time(start)) {
    return fail("an event without a beginning (DTSTART)", where, "export it again");
  }
  if (auto status = check_followed(event, where); !status) return status;
  if (!is_day(start)) {
    return fail("an event that begins on a day which is none", where, "correct its DTSTART");
  }
  return check_weeks(event, start, where);
}

}  // namespace sluice::ctl
