// What notices lay down. Data: a later notice gets a name of its own, so that nobody's policy
// changes by an update of the program.
#include "config/calendar/calendar.h"

namespace sluice::calendar {
namespace {

/// Public holidays of the mainland of China, and the weekend days that are worked for them.
struct Year {
  std::string_view name;
  std::vector<std::string_view> public_holidays;
  std::vector<std::string_view> working_days;
};

const std::vector<Year>& years() {
  static const std::vector<Year> kYears{
      {kHolidayPresets[0],
       {"2026-01-01/2026-01-03", "2026-02-15/2026-02-23", "2026-04-04/2026-04-06",
        "2026-05-01/2026-05-05", "2026-06-19/2026-06-21", "2026-09-25/2026-09-27",
        "2026-10-01/2026-10-07"},
       {"2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10"}}};
  return kYears;
}

std::vector<Days> days_of(const std::vector<std::string_view>& texts) {
  std::vector<Days> out;
  for (const std::string_view text : texts) {
    if (const auto days = parse_days(text)) out.push_back(*days);
  }
  return out;
}

}  // namespace

const std::vector<Preset>& schedule_presets() {
  static const std::vector<Preset> kPresets{
      {kSchedulePresets[0],
       "20:00 to 21:00 on Fridays, Saturdays, Sundays and public holidays, but for days that are "
       "worked in exchange for a holiday: when minors may play online games",
       "National Press and Publication Administration, notice of 30 August 2021 on strictly "
       "preventing minors' indulgence in online games "
       "(关于进一步严格管理 切实防止未成年人沉迷网络游戏的通知), in force since 1 September 2021"}};
  return kPresets;
}

std::vector<Window> windows_of_preset(std::string_view name) {
  if (name != kSchedulePresets[0]) return {};
  return {Window{.days = {{Kind::friday, {}},
                          {Kind::saturday, {}},
                          {Kind::sunday, {}},
                          {Kind::public_holidays, {}}},
                 .except = {{Kind::make_up_days, {}}},
                 .from = 20 * 60,
                 .until = 21 * 60}};
}

const std::vector<Preset>& holiday_presets() {
  static const std::vector<Preset> kPresets{
      {kHolidayPresets[0],
       "public holidays of the mainland of China in 2026, with make-up working days",
       "General Office of the State Council, notice of 4 November 2025 on holidays in 2026 "
       "(关于2026年部分节假日安排的通知)"}};
  return kPresets;
}

Holidays holidays_of_preset(std::string_view name) {
  for (const Year& year : years()) {
    if (year.name == name) return {days_of(year.public_holidays), days_of(year.working_days)};
  }
  return {};
}

}  // namespace sluice::calendar
