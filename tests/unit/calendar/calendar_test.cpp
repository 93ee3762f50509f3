#include "config/calendar/calendar.h"

#include <gtest/gtest.h>

namespace sluice::calendar {
namespace {

constexpr const char* kShanghai = "Asia/Shanghai";

std::int64_t moment(std::string_view text, const std::string& zone = kShanghai) {
  const auto at = parse_moment(text, zone);
  EXPECT_TRUE(at) << text;
  return at ? *at : 0;
}

/// Whether windows hold at a moment, in a calendar with the holidays of 2026.
bool holds(const std::vector<Window>& windows, std::string_view at,
           const std::string& zone = kShanghai) {
  Calendar calendar{.time_zone = zone};
  const Holidays holidays = holidays_of_preset("cn-2026");
  calendar.public_holidays = holidays.public_holidays;
  calendar.working_days = holidays.working_days;
  const std::int64_t now = moment(at, zone);
  const auto found = toggles(calendar, windows, now - 86400 * 40, now + 86400);
  EXPECT_TRUE(found);
  return found && found->holds(now);
}

TEST(Moment, IsReadAsTheWallShowsIt) {
  EXPECT_EQ(moment("2026-12-04T20:30"), 1796387400);
  EXPECT_EQ(moment("2026-12-04T20:30:15"), moment("2026-12-04T20:30") + 15);
  EXPECT_EQ(moment("2026-12-04T12:30Z"), moment("2026-12-04T20:30"));
  EXPECT_EQ(moment("2026-12-04T20:30+08:00"), moment("2026-12-04T20:30"));
  EXPECT_EQ(moment_text(moment("2026-12-04T20:30"), kShanghai), "2026-12-04 20:30:00 +0800");
}

TEST(Moment, OfAnHourThatIsThereTwiceOrNot) {
  const std::string zone = "Europe/Berlin";
  // 2026-10-25: 03:00 becomes 02:00. 2026-03-29: 02:00 becomes 03:00.
  EXPECT_EQ(moment("2026-10-25T02:30", zone), moment("2026-10-25T00:30Z"));
  EXPECT_EQ(moment("2026-03-29T02:30", zone), moment("2026-03-29T01:00Z"));
}

TEST(Moment, IsRefusedWhereItIsNone) {
  for (const char* text : {"", "now", "2026-12-04", "2026-13-04T20:30", "2026-02-29T20:30",
                           "2026-12-04T20:61", "2026-12-04T25:00", "2026-12-04T20:30x",
                           "2026-12-04T20:30:7", "2026-12-04T20:30+8", "2026-12-4T20:30:00"}) {
    EXPECT_FALSE(parse_moment(text, kShanghai)) << text;
  }
}

TEST(Windows, WithinOtherDaysAreOnBoth) {
  const auto term = [](const char* at, std::vector<Selector> within) {
    Calendar calendar{.time_zone = kShanghai};
    calendar.dates["term"] = {*parse_days("2026-09-01/2026-09-04"), *parse_days("2026-09-07")};
    const Window lessons{.days = {{Kind::workdays, {}}},
                         .except = {{Kind::monday, {}}},
                         .from = 22 * 60,
                         .until = 60,
                         .within = std::move(within)};
    const std::int64_t now = moment(at);
    return toggles(calendar, {lessons}, now - 86400 * 5, now + 86400).value().holds(now);
  };
  const Selector in_term{Kind::named, "term"};
  EXPECT_TRUE(term("2026-09-01T22:30", {in_term}));
  EXPECT_TRUE(term("2026-09-05T00:30", {in_term}));   // Friday's, of the term
  EXPECT_FALSE(term("2026-08-31T23:30", {in_term}));  // a workday before it
  EXPECT_FALSE(term("2026-09-07T22:30", {in_term}));  // excepted
  EXPECT_FALSE(term("2026-09-08T22:30", {in_term}));
  EXPECT_TRUE(term("2026-09-08T22:30", {in_term, {Kind::tuesday, {}}}));
  EXPECT_TRUE(term("2026-09-08T22:30", {}));
}

TEST(DaysText, IsStrict) {
  EXPECT_TRUE(parse_days("2026-02-28"));
  EXPECT_TRUE(parse_days("2026-10-01/2026-10-07"));
  for (const char* text : {"2026-02-29", "2026-2-28", "26-02-28", "2026-02-28/", "/2026-02-28",
                           "2026-10-07/2026-10-01", "2026-10-01-2026-10-07", "-026-10-01"}) {
    EXPECT_FALSE(parse_days(text)) << text;
  }
}

TEST(TimeText, IsStrict) {
  EXPECT_EQ(parse_time_of_day("00:00").value_or(-1), 0);
  EXPECT_EQ(parse_time_of_day("24:00").value_or(-1), 1440);
  for (const char* text : {"", "8:00", "08:0", "24:01", "08:60", "08.00", "-1:00", "08:00:00"}) {
    EXPECT_FALSE(parse_time_of_day(text)) << text;
  }
}

TEST(Zone, ThatNobodyKnowsIsToldSo) {
  const auto status = check_zone({.time_zone = "Asia/Shanghei"});
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("Asia/Shanghei"), std::string::npos);
  EXPECT_FALSE(toggles({.time_zone = "../etc/passwd"}, {}, 0, 1));
}

TEST(Preset, GamesOfMinorsAsThePressAdministrationHasIt) {
  const auto games = windows_of_preset("cn-minors-games-2021");
  ASSERT_FALSE(games.empty());
  EXPECT_TRUE(holds(games, "2026-12-04T20:00"));  // a Friday
  EXPECT_TRUE(holds(games, "2026-12-04T20:59:59"));
  EXPECT_FALSE(holds(games, "2026-12-04T19:59:59"));
  EXPECT_FALSE(holds(games, "2026-12-04T21:00"));
  EXPECT_TRUE(holds(games, "2026-12-05T20:30"));
  EXPECT_FALSE(holds(games, "2026-12-03T20:30"));  // a Thursday
  EXPECT_TRUE(holds(games, "2026-02-17T20:30"));   // a Tuesday, Spring Festival
  EXPECT_FALSE(holds(games, "2026-02-14T20:30"));  // a Saturday that is worked
  EXPECT_FALSE(holds(games, "2026-10-10T20:30"));
}

TEST(Windows, OverMidnightBelongToTheirFirstDay) {
  const std::vector<Window> friday_night{
      {.days = {{Kind::friday, {}}}, .from = 1320, .until = 360}};
  EXPECT_FALSE(holds(friday_night, "2026-12-04T05:00"));
  EXPECT_TRUE(holds(friday_night, "2026-12-04T22:00"));
  EXPECT_TRUE(holds(friday_night, "2026-12-05T05:59:59"));
  EXPECT_FALSE(holds(friday_night, "2026-12-05T06:00"));
  EXPECT_FALSE(holds(friday_night, "2026-12-05T22:00"));
}

TEST(Windows, WorkdaysKnowHolidaysAndMakeUpDays) {
  const std::vector<Window> lessons{{.days = {{Kind::workdays, {}}}, .from = 480, .until = 960}};
  EXPECT_TRUE(holds(lessons, "2026-12-04T08:00"));
  EXPECT_FALSE(holds(lessons, "2026-12-05T08:00"));  // Saturday
  EXPECT_FALSE(holds(lessons, "2026-10-02T08:00"));  // Friday, National Day
  EXPECT_TRUE(holds(lessons, "2026-10-10T08:00"));   // Saturday, worked
}

TEST(Windows, ThatTouchAreOne) {
  const std::vector<Window> two{{.days = {{Kind::every_day, {}}}, .from = 0, .until = 600},
                                {.days = {{Kind::every_day, {}}}, .from = 600, .until = 1440}};
  const auto found = toggles({.time_zone = kShanghai}, two, 1'000'000'000, 1'010'000'000);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->active);
  EXPECT_TRUE(found->at.empty());
}

TEST(Selectors, AreWordsOrNames) {
  for (const std::string_view word : words()) EXPECT_NE(selector_of(word).kind, Kind::named);
  EXPECT_EQ(selector_of("friday").kind, Kind::friday);
  EXPECT_EQ(selector_of("rest-days").kind, Kind::rest_days);
  EXPECT_EQ(selector_of("exams").kind, Kind::named);
}

}  // namespace
}  // namespace sluice::calendar
