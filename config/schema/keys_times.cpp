// The keys of the calendar and of schedules.
#include <array>

#include "config/schema/keys.h"

namespace sluice::schema {
namespace {

using std::string_view;

constexpr Shape kDays{.kind = Kind::days,
                      .noun = "a date, such as \"2026-10-01\", or 2026-10-01/2026-10-07"};
constexpr Shape kTime{.kind = Kind::time, .noun = "a time of the day, such as \"20:00\""};
constexpr Shape kZone{
    .kind = Kind::text, .noun = "a time zone, such as Asia/Shanghai", .minimum = 1, .maximum = 64};
constexpr Shape kDayWord{.kind = Kind::name, .noun = "a word for days"};
constexpr std::array<string_view, 2> kTrusts{"synchronised", "always"};
constexpr Shape kTrust = one_of(kTrusts);
constexpr Shape kHolidayPreset{.kind = Kind::choice,
                               .noun = "dates under public_holidays",
                               .choices = calendar::kHolidayPresets};
constexpr Shape kSchedulePreset{.kind = Kind::choice,
                                .noun = "a list of windows in [ ]",
                                .choices = calendar::kSchedulePresets};
constexpr Shape kDates{.kind = Kind::list, .noun = "a list of dates", .item = &kDays};
constexpr Shape kDayWords{.kind = Kind::list, .noun = "a list of days", .item = &kDayWord};
constexpr Shape kHolidays{
    .kind = Kind::list, .noun = "a list of years of holidays", .item = &kHolidayPreset};

constexpr Shape kNamedDates{.kind = Kind::named,
                            .noun = "dates, as NAME: [DATE, ...]",
                            .minimum = 0,
                            .maximum = 1000,
                            .item = &kDates};
constexpr std::array kCalendarFields{
    Field{"time_zone", &kZone, false, "the system's", "By whose clock times are read."},
    Field{"holidays", &kHolidays, false, "none",
          "Years of public holidays that come with Sluice, make-up working days included."},
    Field{"public_holidays", &kDates, false, "none", "More public holidays."},
    Field{"make_up_days", &kDates, false, "none",
          "More days that are worked, or taught, in exchange for a holiday."},
    Field{"dates", &kNamedDates, false, "none",
          "Dates by names of your own, such as terms and exam weeks."},
    Field{"day_begins", &kTime, false, "\"00:00\"",
          "When a day begins for budgets, so that a late evening is not two days'."},
    Field{"trust_clock", &kTrust, false, "synchronised",
          "When the time counts as known: once the clock was `synchronised` with a time server "
          "since the start, or `always`."},
};

constexpr std::array kWindowFields{
    Field{"days", &kDayWords, true, "",
          "`monday` to `sunday`, `every-day`, `workdays`, `rest-days`, `public-holidays`, "
          "`make-up-days`, or names of `calendar.dates`. Any of them will do."},
    Field{
        "within", &kDayWords, false, "any day",
        "Such days besides, as in `days: [workdays], within: [term]`: any of them will do, but one "
        "has to."},
    Field{"except", &kDayWords, false, "none", "Days on which it does not begin all the same."},
    Field{"from", &kTime, false, "\"00:00\"", "When it begins."},
    Field{"until", &kTime, false, "\"24:00\"",
          "When it ends; on the next day, where that is not after `from`."},
};
constexpr Shape kWindow{.kind = Kind::mapping,
                        .noun = "a window of time",
                        .fields = kWindowFields,
                        .because = "a window is on some days"};
constexpr Shape kSchedule{
    .kind = Kind::list, .noun = "a list of windows", .item = &kWindow, .also = &kSchedulePreset};

}  // namespace

constexpr Shape kCalendar{.kind = Kind::mapping, .noun = "its keys", .fields = kCalendarFields};
constexpr Shape kSchedules{.kind = Kind::named,
                           .noun = "schedules, as NAME: [{days: [...], from: TIME, until: TIME}]",
                           .minimum = 0,
                           .maximum = 1000,
                           .item = &kSchedule};

}  // namespace sluice::schema
