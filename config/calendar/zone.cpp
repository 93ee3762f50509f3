#include "config/calendar/zone.h"

#include <algorithm>
#include <chrono>
#include <date/tz.h>
#include <exception>

#include "config/calendar/calendar.h"

namespace sluice::calendar {
namespace {

std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ') c = '_';
  }
  return out;
}

/// The one zone of this name but for blanks and letter cases, or of this place: "New York".
std::string zone_like(const std::string& zone) {
  const std::string wanted = folded(zone);
  std::string place;
  std::size_t places = 0;
  for (const date::time_zone& one : date::get_tzdb().zones) {
    const std::string name = folded(one.name());
    if (name == wanted) return one.name();
    if (name.substr(name.rfind('/') + 1) != wanted) continue;
    place = one.name();
    ++places;
  }
  return places == 1 ? place : std::string();
}

Error unknown_zone(const std::string& zone) {
  const std::string like = zone_like(zone);
  return {"no time zone is named '" + zone + "'", "",
          like.empty() ? "use a name such as Asia/Shanghai; `timedatectl list-timezones` lists all"
                       : "did you mean " + like + "?"};
}

/// UTC where the system says nothing of its zone.
const date::time_zone* find_zone(const std::string& zone) {
  if (!zone.empty()) return date::locate_zone(zone);
  try {
    return date::current_zone();
  } catch (const std::exception&) {
    return date::locate_zone("Etc/UTC");
  }
}

}  // namespace

Result<std::vector<Stretch>> stretches(const std::string& zone, std::int64_t from,
                                       std::int64_t until) {
  try {
    const date::time_zone* const found = find_zone(zone);
    std::vector<Stretch> out;
    while (from < until) {
      const auto info = found->get_info(date::sys_seconds(std::chrono::seconds(from)));
      const std::int64_t end = std::min<std::int64_t>(until, info.end.time_since_epoch().count());
      out.push_back({from, end, info.offset.count()});
      from = end;
    }
    return out;
  } catch (const std::exception&) {  // that is how the library says it
    return fail(unknown_zone(zone));
  }
}

Status check_zone(const Calendar& calendar) {
  auto found = stretches(calendar.time_zone, 0, 1);
  if (!found) return fail(found.error());
  return {};
}

Result<std::int64_t> parse_moment(std::string_view text, const std::string& time_zone) {
  const auto refuse = [&] {
    return fail("'" + std::string(text) + "' is no moment", "",
                "write it as 2026-12-04T20:30, or with its zone as 2026-12-04T20:30Z or "
                "2026-12-04T20:30+08:00");
  };
  std::string_view rest = text;
  if (rest.size() < 16 || (rest[10] != 'T' && rest[10] != ' ')) return refuse();
  const auto day = parse_days(rest.substr(0, 10));
  const auto minutes = parse_time_of_day(rest.substr(11, 5));
  if (!day || !minutes) return refuse();
  std::int64_t wall = day->first.time_since_epoch().count() * std::int64_t{86400} + *minutes * 60;
  rest.remove_prefix(16);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (rest.size() >= 3 && rest[0] == ':' && rest[1] < '6' && digit(rest[1]) && digit(rest[2])) {
    wall += (rest[1] - '0') * 10 + (rest[2] - '0');
    rest.remove_prefix(3);
  }
  if (rest == "Z") return wall;
  if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-')) {
    const auto offset = parse_time_of_day(rest.substr(1));
    if (!offset) return refuse();
    return wall - (rest[0] == '+' ? 1 : -1) * *offset * 60;
  }
  if (!rest.empty()) return refuse();
  constexpr std::int64_t kDay = 86400;  // no clock is so far ahead or behind
  auto around = stretches(time_zone, wall - kDay, wall + kDay);
  if (!around) return fail(around.error());
  for (const Stretch& one : *around) {
    // Where the clock leaps over the moment, the one when it does.
    if (wall - one.offset < one.end) return std::max(wall - one.offset, one.begin);
  }
  return refuse();
}

std::string moment_text(std::int64_t moment, const std::string& time_zone) {
  const auto found = stretches(time_zone, moment, moment + 1);
  const std::int64_t offset = found ? found->front().offset : 0;
  const date::sys_seconds wall(std::chrono::seconds(moment + offset));
  const char sign = offset < 0 ? '-' : '+';
  const std::int64_t minutes = (offset < 0 ? -offset : offset) / 60;
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return date::format("%Y-%m-%d %H:%M:%S ", wall) + sign + two(minutes / 60) + two(minutes % 60);
}

}  // namespace sluice::calendar
