// The minutes that devices have spent, and what is left of their budgets. Counted by the dataplane
// alone, so that it needs nobody to go on; nothing is kept of what was visited but the minutes.
//
// A minute of the clock counts for a budget of a device when in it a name of the budget's
// categories was asked for in DNS and let through, or more than kLeastOctets of payload went either
// way in one frame of a connection that was let through under such a name; once, however much and
// however often.
//
// Thread safety: one thread, the control thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/policy/timetable.h"
#include "dataplane/budget/activity.h"
#include "dataplane/budget/exhausted.h"

namespace sluice::budget {

/// Devices that are accounted for; those that come later are counted with the others.
inline constexpr std::size_t kMaxAccounts = 131'072;
inline constexpr std::uint32_t kMostAdded = 24 * 60;

enum class State : std::uint8_t { good, warned, exhausted };
[[nodiscard]] std::string_view text(State state);

class Book {
 public:
  explicit Book(std::uint64_t secret) : secret_(secret) {}

  /// Of the generation that is judged by from now on. Minutes go by the budgets' names. Returns the
  /// epoch of its numbering, for Activity.
  std::uint8_t set_policy(const policy::PolicySet& set);
  [[nodiscard]] bool any() const { return !budgets_.empty(); }

  /// A day or week that has begun since ends what was spent in the one before. While nobody knows
  /// the time, none begins.
  void begin_days(policy::Moment moment);
  /// Adds up what an lcore has seen; `now`: the minute's number.
  void merge(const Activity& activity, std::uint32_t now);

  /// Whose budgets are used up in a minute: those whose last minute is over. nullptr where it is as
  /// it was told last.
  [[nodiscard]] std::shared_ptr<const Exhausted> exhausted(std::uint32_t now);

  /// A device's minutes for today and this week are more by so many. Returns what is left today.
  /// Fails where the budget is of another owner than the site.
  [[nodiscard]] Result<std::string> add(const Device& device, const std::string& budget,
                                        std::uint32_t minutes);
  /// As if nothing had been spent; `budget` empty: of any of the site. Fails where nothing was.
  [[nodiscard]] Result<std::string> reset(const Device& device, const std::string& budget);

  /// Of all devices, or of one: [{"device", "budget", "state", "used_today", …}].
  [[nodiscard]] nlohmann::json to_json(policy::Moment moment, const Device* only = nullptr) const;
  /// [{"name", "categories", "minutes_a_day", …}]
  [[nodiscard]] nlohmann::json budgets_json() const;

  /// States that devices have come to since they were taken last, the newest 1,000.
  struct Notice {
    Device device;
    std::string budget;
    State state = State::good;
  };
  [[nodiscard]] std::vector<Notice> take_notices();

  /// What survives a restart, and whether it is other than what was saved last.
  [[nodiscard]] bool has_changed() const { return changed_; }
  [[nodiscard]] std::string save();
  /// Of an earlier process; it reads what a disk may have damaged.
  [[nodiscard]] Status load(std::string_view text);

  [[nodiscard]] std::size_t accounts() const { return accounts_.size(); }

 private:
  struct Use {
    std::uint32_t day = 0;
    std::uint32_t week = 0;
    std::uint32_t added = 0;  // for today, and so for the week
    std::uint32_t last = 0;   // the minute that was counted last
    State state = State::good;
  };
  using Account = std::map<std::string, Use, std::less<>>;  // by the budget's name

  [[nodiscard]] State state_of(const Use& use, const policy::Budget& budget,
                               std::uint32_t now) const;
  [[nodiscard]] Status check_owner(const std::string& budget) const;
  [[nodiscard]] static std::uint32_t left(const Use& use, const policy::Budget& budget);
  [[nodiscard]] const policy::Budget* find(std::string_view name) const;
  [[nodiscard]] Account& account(const Device& device);
  void count(const Device& device, const Minute& minute, std::uint32_t now);

  const std::uint64_t secret_;
  std::vector<policy::Budget> budgets_;
  std::map<std::string, std::string, std::less<>> owners_;  // of layers, by their policies' names
  std::vector<std::int64_t> days_;
  std::vector<std::int64_t> weeks_;
  std::string time_zone_;
  std::uint8_t epoch_ = 0;
  std::map<Device, Account> accounts_;
  std::int64_t day_ = 0;    // when it began
  std::int64_t week_ = 0;   // likewise
  std::uint32_t told_ = 0;  // the minute of which exhausted() told last
  bool dirty_ = true;       // what exhausted() would tell may be another
  bool changed_ = false;
  Exhausted::Devices exhausted_;
  std::vector<Notice> notices_;
};

}  // namespace sluice::budget
