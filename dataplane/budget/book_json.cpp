// The book as people and the disk see it.
#include <algorithm>

#include "config/base/json.h"
#include "config/calendar/calendar.h"
#include "dataplane/budget/book.h"

namespace sluice::budget {
namespace {

using nlohmann::json;

constexpr std::uint32_t kMostMinutes = 7 * 24 * 60;

std::string next_text(const std::vector<std::int64_t>& begins, std::int64_t moment,
                      const std::string& time_zone) {
  const auto next = std::upper_bound(begins.begin(), begins.end(), moment);
  return next == begins.end() ? "" : calendar::moment_text(*next, time_zone);
}

std::uint32_t minutes_at(const json& values, std::size_t index) {
  if (!values.is_array() || index >= values.size() || !values[index].is_number_unsigned()) return 0;
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(values[index].get<std::uint64_t>(), kMostMinutes));
}

std::int64_t moment_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

}  // namespace

json Book::budgets_json() const {
  json out = json::array();
  for (const policy::Budget& budget : budgets_) {
    json categories = json::array();
    for (const policy::Category& category : policy::taxonomy()) {
      if ((budget.categories & policy::bit(category.id)) != 0) categories.push_back(category.name);
    }
    out.push_back({{"name", budget.name},
                   {"categories", std::move(categories)},
                   {"minutes_a_day", budget.minutes_a_day},
                   {"minutes_a_week", budget.minutes_a_week},
                   {"warn_at", budget.warn_at}});
  }
  return out;
}

json Book::to_json(policy::Moment moment, const Device* only) const {
  json out = json::array();
  for (const auto& [device, account] : accounts_) {
    if (only != nullptr && device != *only) continue;
    for (const auto& [name, use] : account) {
      const policy::Budget* const budget = find(name);
      if (budget == nullptr) continue;  // minutes of what is no longer configured
      json one = {{"device", text(device)},
                  {"budget", name},
                  {"state", text(state_of(use, *budget, told_))},
                  {"used_today", use.day},
                  {"used_this_week", use.week},
                  {"added_today", use.added},
                  {"left", left(use, *budget)}};
      if (moment) {
        one["day_ends"] = next_text(days_, *moment, time_zone_);
        one["week_ends"] = next_text(weeks_, *moment, time_zone_);
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

std::string Book::save() {
  json devices = json::array();
  for (const auto& [device, account] : accounts_) {
    json minutes = json::object();
    for (const auto& [name, use] : account)
      minutes[name] = {use.day, use.week, use.added, use.last};
    devices.push_back({{"device", text(device)}, {"minutes", std::move(minutes)}});
  }
  changed_ = false;
  return json_text(json{{"format", 1}, {"day", day_}, {"week", week_}, {"devices", devices}}) +
         "\n";
}

Status Book::load(std::string_view given) {
  const json root = parse_json(given);
  const bool good = root.is_object() && root.value("format", json()) == 1 &&
                    root.contains("devices") && root["devices"].is_array();
  if (!good) return fail("are no minutes of budgets");
  std::map<Device, Account> accounts;
  for (const json& one : root["devices"]) {
    if (!one.is_object() || !one.contains("device") || !one["device"].is_string() ||
        !one.contains("minutes") || !one["minutes"].is_object()) {
      return fail("hold something that is no device");
    }
    const auto device = parse_device(one["device"].get<std::string>());
    if (!device) return fail(device.error());
    if (accounts.size() == kMaxAccounts && !accounts.contains(*device)) continue;
    Account& account = accounts[*device];
    for (const auto& [name, values] : one["minutes"].items()) {
      Use& use = account[name];
      use.day = minutes_at(values, 0);
      use.week = minutes_at(values, 1);
      use.added = std::min(minutes_at(values, 2), kMostAdded);
      // A minute that goes on in this process was counted.
      if (values.is_array() && values.size() > 3 && values[3].is_number_unsigned()) {
        use.last = static_cast<std::uint32_t>(values[3].get<std::uint64_t>() & 0xffffff);
      }
    }
  }
  accounts_ = std::move(accounts);
  day_ = moment_at(root, "day");
  week_ = moment_at(root, "week");
  dirty_ = true;
  return {};
}

}  // namespace sluice::budget
