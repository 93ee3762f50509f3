#include "config/calendar/calendar.h"

#include <algorithm>

#include "config/calendar/zone.h"

namespace sluice::calendar {
namespace {

constexpr std::int64_t kSecondsOfDay = 86400;

bool among(const std::vector<Days>& days, Day day) {
  return std::any_of(days.begin(), days.end(),
                     [&](const Days& one) { return one.first <= day && day <= one.last; });
}

bool is_workday(const Calendar& calendar, Day day) {
  if (among(calendar.working_days, day)) return true;
  const unsigned weekday = std::chrono::weekday(day).iso_encoding();
  return weekday <= 5 && !among(calendar.public_holidays, day);
}

bool is_of(const Calendar& calendar, const Selector& selector, Day day) {
  switch (selector.kind) {
    case Kind::every_day:
      return true;
    case Kind::public_holidays:
      return among(calendar.public_holidays, day);
    case Kind::make_up_days:
      return among(calendar.working_days, day);
    case Kind::workdays:
      return is_workday(calendar, day);
    case Kind::rest_days:
      return !is_workday(calendar, day);
    case Kind::named: {
      const auto found = calendar.dates.find(selector.name);
      return found != calendar.dates.end() && among(found->second, day);
    }
    default:
      return std::chrono::weekday(day).iso_encoding() == static_cast<unsigned>(selector.kind) + 1;
  }
}

bool begins_on(const Calendar& calendar, const Window& window, Day day) {
  const auto matches = [&](const Selector& one) { return is_of(calendar, one, day); };
  return std::any_of(window.days.begin(), window.days.end(), matches) &&
         (window.within.empty() ||
          std::any_of(window.within.begin(), window.within.end(), matches)) &&
         std::none_of(window.except.begin(), window.except.end(), matches);
}

struct Span {
  std::int64_t begin;
  std::int64_t end;
};

/// What of a window lies in a stretch, in Unix time.
void add_spans(const Calendar& calendar, const Window& window, const Stretch& stretch,
               std::vector<Span>& spans) {
  const auto day_of = [&](std::int64_t moment) {
    return std::chrono::floor<std::chrono::days>(
        std::chrono::sys_seconds(std::chrono::seconds(moment + stretch.offset)));
  };
  // One that began the day before may reach into the first.
  const Day last = day_of(stretch.end - 1);
  for (Day day = day_of(stretch.begin) - std::chrono::days(1); day <= last;
       day += std::chrono::days(1)) {
    if (!begins_on(calendar, window, day)) continue;
    const std::int64_t midnight = day.time_since_epoch().count() * kSecondsOfDay - stretch.offset;
    const std::int64_t next = window.until <= window.from ? kSecondsOfDay : 0;
    const Span span{std::max(stretch.begin, midnight + window.from * 60),
                    std::min(stretch.end, midnight + next + window.until * 60)};
    if (span.begin < span.end) spans.push_back(span);
  }
}

}  // namespace

bool Toggles::holds(std::int64_t moment) const {
  const auto passed = std::upper_bound(at.begin(), at.end(), moment) - at.begin();
  return active != (passed % 2 != 0);
}

Result<Toggles> toggles(const Calendar& calendar, const std::vector<Window>& windows,
                        std::int64_t from, std::int64_t until) {
  auto parts = stretches(calendar.time_zone, from, until);
  if (!parts) return fail(parts.error());
  std::vector<Span> spans;
  for (const Window& window : windows) {
    for (const Stretch& stretch : *parts) add_spans(calendar, window, stretch, spans);
  }
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.begin < b.begin; });
  Toggles out;
  for (std::size_t i = 0; i < spans.size();) {
    Span whole = spans[i];
    for (++i; i < spans.size() && spans[i].begin <= whole.end; ++i) {
      whole.end = std::max(whole.end, spans[i].end);
    }
    if (whole.begin == from) {
      out.active = true;
    } else {
      out.at.push_back(whole.begin);
    }
    if (whole.end < until) out.at.push_back(whole.end);
  }
  return out;
}

}  // namespace sluice::calendar
