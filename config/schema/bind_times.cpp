// The calendar and the schedules.
#include <algorithm>

#include "config/schema/bind.h"
#include "config/schema/nearest.h"

namespace sluice::schema {
namespace {

void add_days(const TextNode* list, std::vector<calendar::Days>& out) {
  if (list == nullptr) return;
  for (const TextNode& item : list->items) {
    if (!item.good) continue;
    if (const auto days = calendar::parse_days(item.text)) out.push_back(*days);
  }
}

void bind_calendar(const TextNode& node, Config& config, Faults& faults) {
  calendar::Calendar& calendar = config.times.calendar;
  if (const TextNode* zone = find(node, "time_zone")) {
    calendar.time_zone = zone->text;
    if (auto status = calendar::check_zone(calendar); !status) {
      faults.add(zone->place, "calendar.time_zone", status.error().what, status.error().advice);
    }
  }
  if (const TextNode* years = find(node, "holidays")) {
    for (const TextNode& year : years->items) {
      const auto holidays = calendar::holidays_of_preset(year.text);
      calendar.public_holidays.insert(calendar.public_holidays.end(),
                                      holidays.public_holidays.begin(),
                                      holidays.public_holidays.end());
      calendar.working_days.insert(calendar.working_days.end(), holidays.working_days.begin(),
                                   holidays.working_days.end());
    }
  }
  add_days(find(node, "public_holidays"), calendar.public_holidays);
  add_days(find(node, "make_up_days"), calendar.working_days);
  for (const Member* member : entries(find(node, "dates"))) {
    const std::string& name = member->key.text;
    if (calendar::selector_of(name).kind != calendar::Kind::named) {
      faults.add(member->key.place, "calendar.dates." + name,
                 "'" + name + "' has a meaning of its own", "choose another name");
    }
    add_days(&member->value, calendar.dates[name]);
  }
  if (const TextNode* trust = find(node, "trust_clock")) {
    config.times.trust = trust->text == "always" ? TrustClock::always : TrustClock::synchronised;
  }
}

void bind_days(const TextNode* list, const std::string& path,
               const std::vector<std::string_view>& known, std::vector<calendar::Selector>& out,
               Faults& faults) {
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const TextNode& item = list->items[i];
    if (!item.good) continue;
    const std::string at = path + "[" + std::to_string(i) + "]";
    if (std::find(known.begin(), known.end(), item.text) == known.end()) {
      faults.add(item.place, at, "'" + item.text + "' stands for no days",
                 suggest(item.text, known));
      continue;
    }
    out.push_back(calendar::selector_of(item.text));
  }
}

calendar::Window bind_window(const TextNode& node, const std::string& path,
                             const std::vector<std::string_view>& known, Faults& faults) {
  calendar::Window window;
  bind_days(find(node, "days"), path + ".days", known, window.days, faults);
  bind_days(find(node, "within"), path + ".within", known, window.within, faults);
  bind_days(find(node, "except"), path + ".except", known, window.except, faults);
  for (const std::string key : {"days", "within"}) {
    const TextNode* const days = find(node, key);
    if (days == nullptr || !days->items.empty()) continue;
    faults.add(days->place, path + "." + key, "names no days", "write [every-day]");
  }
  if (const TextNode* from = find(node, "from")) {
    window.from = calendar::parse_time_of_day(from->text).value_or(0);
    if (window.from == calendar::kMinutesOfDay) {
      faults.add(from->place, path + ".from", "is the end of the day, not a beginning",
                 "write \"00:00\", and the day after in days");
    }
  }
  if (const TextNode* until = find(node, "until")) {
    window.until = calendar::parse_time_of_day(until->text).value_or(calendar::kMinutesOfDay);
  }
  return window;
}

}  // namespace

std::vector<calendar::Schedule> bind_schedules(const TextNode* schedules, const std::string& path,
                                               const std::vector<std::string_view>& dates,
                                               Faults& faults) {
  std::vector<std::string_view> known = calendar::words();
  known.insert(known.end(), dates.begin(), dates.end());
  std::vector<calendar::Schedule> out;
  for (const Member* member : entries(schedules)) {
    calendar::Schedule& schedule = out.emplace_back();
    schedule.name = member->key.text;
    const TextNode& value = member->value;
    if (value.form == Form::scalar) schedule.windows = calendar::windows_of_preset(value.text);
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      if (!value.items[i].good) continue;
      schedule.windows.push_back(
          bind_window(value.items[i], path + "." + schedule.name + "[" + std::to_string(i) + "]",
                      known, faults));
    }
  }
  return out;
}

void bind_times(const TextNode& root, Config& config, Faults& faults) {
  const TextNode* calendar = find(root, "calendar");
  if (calendar != nullptr) bind_calendar(*calendar, config, faults);
  const auto dates =
      calendar == nullptr ? std::vector<std::string_view>() : names(find(*calendar, "dates"));
  for (calendar::Schedule& one :
       bind_schedules(find(root, "schedules"), "schedules", dates, faults)) {
    config.policy.schedules.push_back({.name = one.name});
    config.times.schedules.push_back(std::move(one));
  }
}

}  // namespace sluice::schema
