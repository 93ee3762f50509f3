// Toggles against the C library's own idea of what the wall's clock shows, minute by minute.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>
#include <random>

#include "config/calendar/calendar.h"

namespace sluice::calendar {
namespace {

constexpr std::int64_t kFrom = 1767225600;  // 2026-01-01 UTC
constexpr std::int64_t kTwoYears = std::int64_t{731} * 86400;

class Zone : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    setenv("TZ", GetParam(), 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }
};

/// Windows of single weekdays only, so that the reference needs no calendar.
std::vector<Window> random_windows(std::mt19937& random) {
  std::vector<Window> windows(1 + random() % 3);
  for (Window& window : windows) {
    for (int weekday = 0; weekday < 7; ++weekday) {
      if (random() % 3 == 0) window.days.push_back({static_cast<Kind>(weekday), {}});
      if (random() % 5 == 0) window.except.push_back({static_cast<Kind>(weekday), {}});
    }
    window.from = static_cast<int>(random() % kMinutesOfDay);
    window.until = 1 + static_cast<int>(random() % kMinutesOfDay);
  }
  return windows;
}

bool is_day(const Window& window, int weekday) {  // Monday is 0
  const auto is = [&](const Selector& one) { return static_cast<int>(one.kind) == weekday; };
  return std::any_of(window.days.begin(), window.days.end(), is) &&
         std::none_of(window.except.begin(), window.except.end(), is);
}

/// Whether a minute of a weekday is in any of the windows.
using Week = std::array<std::array<bool, kMinutesOfDay>, 7>;

Week week_of(const std::vector<Window>& windows) {
  Week week{};
  for (const Window& window : windows) {
    const bool over_midnight = window.until <= window.from;
    for (int day = 0; day < 7; ++day) {
      const bool began = is_day(window, day);
      const bool goes_on = over_midnight && is_day(window, (day + 6) % 7);
      for (int minute = 0; minute < kMinutesOfDay; ++minute) {
        const bool late = minute >= window.from;
        const bool early = minute < window.until;
        const bool in =
            over_midnight ? (began && late) || (goes_on && early) : began && late && early;
        bool& at = week[static_cast<std::size_t>(day)][static_cast<std::size_t>(minute)];
        at = at || in;
      }
    }
  }
  return week;
}

TEST_P(Zone, EveryMinuteOfTwoYears) {
  std::mt19937 random(7);
  std::vector<Week> weeks;
  std::vector<Toggles> compiled;
  for (int i = 0; i < 8; ++i) {
    const std::vector<Window> windows = random_windows(random);
    weeks.push_back(week_of(windows));
    auto found = toggles({.time_zone = GetParam()}, windows, kFrom, kFrom + kTwoYears);
    ASSERT_TRUE(found) << found.error().text();
    compiled.push_back(std::move(*found));
  }
  std::size_t held = 0;
  std::array<std::size_t, 8> passed{};
  for (std::int64_t at = kFrom; at < kFrom + kTwoYears; at += 60) {
    const std::time_t moment = at;
    std::tm wall{};
    localtime_r(&moment, &wall);
    const auto day = static_cast<std::size_t>((wall.tm_wday + 6) % 7);
    const auto minute = static_cast<std::size_t>(wall.tm_hour * 60 + wall.tm_min);
    for (std::size_t i = 0; i < weeks.size(); ++i) {
      const std::vector<std::int64_t>& toggles = compiled[i].at;
      while (passed[i] < toggles.size() && toggles[passed[i]] <= at) ++passed[i];
      const bool active = compiled[i].active != (passed[i] % 2 != 0);
      if (active != weeks[i][day][minute]) {
        FAIL() << "schedule " << i << " at " << at << ": " << (active ? "holds" : "does not hold");
      }
      held += active ? 1 : 0;
    }
  }
  EXPECT_GT(held, 0U);
  for (const Toggles& one : compiled) EXPECT_TRUE(std::is_sorted(one.at.begin(), one.at.end()));
}

INSTANTIATE_TEST_SUITE_P(Zones, Zone,
                         testing::Values("Asia/Shanghai", "Europe/Berlin", "America/New_York",
                                         "Australia/Lord_Howe", "America/St_Johns"));

}  // namespace
}  // namespace sluice::calendar
