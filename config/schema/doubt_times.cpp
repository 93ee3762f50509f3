// Days and windows that are probably not meant as they stand.
#include <algorithm>
#include <array>

#include "config/schema/doubts.h"

namespace sluice::schema {
namespace {

using calendar::Day;
using calendar::Days;
using calendar::Kind;
using calendar::Window;

bool overlap(const Days& one, const Days& other) {
  return one.first <= other.last && other.first <= one.last;
}

/// The ranges of days that a list of the calendar names, with their places.
std::vector<std::pair<const TextNode*, Days>> ranges(const TextNode* list) {
  std::vector<std::pair<const TextNode*, Days>> out;
  if (list == nullptr) return out;
  for (const TextNode& item : list->items) {
    if (const auto days = calendar::parse_days(item.text)) out.emplace_back(&item, *days);
  }
  return out;
}

/// A day that is free and worked is worked, which whoever made it free would not expect.
void doubt_days(const TextNode& calendar, Faults& notes) {
  const auto holidays = ranges(find(calendar, "public_holidays"));
  const auto worked = ranges(find(calendar, "make_up_days"));
  for (std::size_t i = 0; i < worked.size(); ++i) {
    for (const auto& [node, days] : holidays) {
      if (!overlap(days, worked[i].second)) continue;
      notes.add(worked[i].first->place, item_path("calendar.make_up_days", i),
                "'" + worked[i].first->text + "' is among the public holidays of line " +
                    std::to_string(node->place.line) + ", too, and counts as worked",
                "take it out of one of them");
    }
  }
  const TextNode* const years = find(calendar, "holidays");
  if (years == nullptr) return;
  for (const TextNode& year : years->items) {
    const auto preset = calendar::holidays_of_preset(year.text);
    for (std::size_t i = 0; i < holidays.size(); ++i) {
      const auto& [node, days] = holidays[i];
      const bool is_worked = std::any_of(preset.working_days.begin(), preset.working_days.end(),
                                         [&](const Days& one) { return overlap(one, days); });
      if (!is_worked) continue;
      notes.add(node->place, item_path("calendar.public_holidays", i),
                "a make-up day of '" + year.text + "' is among '" + node->text +
                    "', and counts as worked",
                "write the days of the year out instead of '" + year.text + "' to have it free");
    }
  }
}

template <class Test>
bool any_selector(const Config& config, const Test& test) {
  for (const calendar::Schedule& schedule : config.times.schedules) {
    for (const Window& window : schedule.windows) {
      for (const auto* list : {&window.days, &window.within, &window.except}) {
        if (std::any_of(list->begin(), list->end(), test)) return true;
      }
    }
  }
  return false;
}

/// Whether any window depends on which days are public holidays.
bool asks_for_holidays(const Config& config) {
  constexpr std::array kKinds{Kind::public_holidays, Kind::make_up_days, Kind::workdays,
                              Kind::rest_days};
  return any_selector(config, [&](const calendar::Selector& one) {
    return std::find(kKinds.begin(), kKinds.end(), one.kind) != kKinds.end();
  });
}

/// Days that no schedule asks for.
void doubt_unasked(const Doubted& doubted, const TextNode& calendar, Faults& notes) {
  for (const char* key : {"public_holidays", "make_up_days"}) {
    const TextNode* const list = find(calendar, key);
    if (list == nullptr || list->items.empty() || asks_for_holidays(doubted.config)) continue;
    notes.add(list->place, std::string("calendar.") + key,
              "no schedule asks for workdays, rest-days, public-holidays or make-up-days, so that "
              "these days are as any other",
              "write days: [workdays] for days on which there is school or work");
  }
  for (const Member* member : entries(find(calendar, "dates"))) {
    const std::string& name = member->key.text;
    const bool asked = any_selector(doubted.config, [&](const calendar::Selector& one) {
      return one.kind == Kind::named && one.name == name;
    });
    if (asked) continue;
    notes.add(member->key.place, "calendar.dates." + name, "no schedule names it",
              "name it in one, under days, within or except, or remove it");
  }
}

void doubt_years(const Doubted& doubted, const TextNode& calendar, Faults& notes) {
  const auto& holidays = doubted.config.times.calendar.public_holidays;
  const TextNode* node = find(calendar, "public_holidays");
  if (node == nullptr) node = find(calendar, "holidays");
  if (holidays.empty() || node == nullptr || !asks_for_holidays(doubted.config)) return;
  const auto last = std::max_element(holidays.begin(), holidays.end(),
                                     [](const Days& a, const Days& b) { return a.last < b.last; });
  const Day today = std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(doubted.from)));
  if (last->last >= today) return;
  notes.add(node->place, "calendar.public_holidays",
            "no public holiday after " +
                calendar::moment_text(last->last.time_since_epoch().count() * std::int64_t{86400},
                                      "Etc/UTC")
                    .substr(0, 10) +
                " is known",
            "add the next ones, and make_up_days; sluicectl calendar import reads them from an "
            "iCalendar file");
}

/// The name of a term, or the like, among `days` beside words for weekdays; empty where there is
/// none.
std::string term_beside_weekdays(const Config& config, const Window& window) {
  constexpr std::chrono::days kLong{21};
  const auto is_weekday = [](const calendar::Selector& one) {
    return one.kind < Kind::every_day || one.kind == Kind::workdays;
  };
  if (std::none_of(window.days.begin(), window.days.end(), is_weekday)) return {};
  for (const calendar::Selector& one : window.days) {
    const auto dates = config.times.calendar.dates.find(one.name);
    if (one.kind != Kind::named || dates == config.times.calendar.dates.end()) continue;
    const auto is_long = [&](const Days& days) { return days.last - days.first > kLong; };
    if (std::any_of(dates->second.begin(), dates->second.end(), is_long)) return one.name;
  }
  return {};
}

/// A window that never comes, or that others hold anyhow.
void doubt_windows(const Doubted& doubted, const TextNode& list, const std::string& path,
                   const std::vector<Window>& windows, Faults& notes) {
  constexpr std::size_t kMost = 50;  // of more, each would be compared with all others
  if (windows.size() != list.items.size() || windows.size() > kMost) return;
  const auto& calendar = doubted.config.times.calendar;
  const auto moments = [&](const std::vector<Window>& some) {
    auto found = calendar::toggles(calendar, some, doubted.from, doubted.until);
    if (!found) return std::pair(false, std::vector<std::int64_t>());
    return std::pair(found->active, std::move(found->at));
  };
  std::vector<Window> kept;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto [active, toggles] = moments({windows[i]});
    const Place place = list.items[i].place;
    if (const std::string term = term_beside_weekdays(doubted.config, windows[i]); !term.empty()) {
      notes.add(place, item_path(path, i),
                "is on each day of '" + term + "', and on the weekdays beside it outside of that",
                "take '" + term + "' out of days, and write within: [" + term + "]");
    }
    if (!active && toggles.empty()) {
      notes.add(place, item_path(path, i), "never holds in the next 13 months",
                "look at its days, and at the dates of the calendar");
      continue;
    }
    auto with = kept;
    with.push_back(windows[i]);
    if (!kept.empty() && moments(with) == moments(kept)) {
      notes.add(place, item_path(path, i), "adds nothing to the windows before it",
                "remove it, or correct its days and times");
      continue;
    }
    kept = std::move(with);
  }
}

}  // namespace

void doubt_times(const Doubted& doubted, Faults& notes) {
  if (const TextNode* calendar = find(doubted.root, "calendar")) {
    doubt_days(*calendar, notes);
    doubt_years(doubted, *calendar, notes);
    doubt_unasked(doubted, *calendar, notes);
  }
  for (const Member* member : entries(find(doubted.root, "schedules"))) {
    for (const calendar::Schedule& one : doubted.config.times.schedules) {
      if (one.name != member->key.text || member->value.form != Form::list) continue;
      doubt_windows(doubted, member->value, "schedules." + one.name, one.windows, notes);
    }
  }
}

}  // namespace sluice::schema
