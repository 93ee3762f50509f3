#include "dataplane/budget/book.h"

#include <algorithm>

#include "config/calendar/calendar.h"

namespace sluice::budget {
namespace {

constexpr std::size_t kMostNotices = 1000;
/// Minutes that were counted may come by again, from another lcore or the one before; what is
/// farther back is a clock's that was set.
constexpr std::uint32_t kSetBack = 5;

/// When the stretch began that a moment is in; 0 where that was not worked out.
std::int64_t begin_of(const std::vector<std::int64_t>& begins, std::int64_t moment) {
  const auto next = std::upper_bound(begins.begin(), begins.end(), moment);
  return next == begins.begin() || next == begins.end() ? 0 : *std::prev(next);
}

/// Of another owner than the site, under whose layer's name it stands. No configuration gives one
/// such a name.
bool is_of_another(std::string_view budget) { return budget.find('/') != std::string_view::npos; }

}  // namespace

std::string_view text(State state) {
  switch (state) {
    case State::good:
      return "good";
    case State::warned:
      return "warned";
    case State::exhausted:
      return "exhausted";
  }
  return "unknown";
}

std::uint8_t Book::set_policy(const policy::PolicySet& set) {
  const bool same =
      std::equal(budgets_.begin(), budgets_.end(), set.budgets.begin(), set.budgets.end(),
                 [](const policy::Budget& a, const policy::Budget& b) { return a.name == b.name; });
  if (!same) ++epoch_;
  budgets_ = set.budgets;
  owners_.clear();
  for (const policy::Layer& layer : set.layers) owners_[layer.policy] = layer.owner;
  days_ = set.budget_days;
  weeks_ = set.budget_weeks;
  time_zone_ = set.time_zone;
  dirty_ = true;
  return epoch_;
}

void Book::begin_days(policy::Moment moment) {
  if (!moment) return;
  const std::int64_t day = begin_of(days_, *moment);
  const std::int64_t week = begin_of(weeks_, *moment);
  // Where the clock was set back, nothing begins anew.
  if (day != 0 && day > day_) {
    for (auto& [device, account] : accounts_) {
      for (auto& [name, use] : account) use.day = use.added = 0;
    }
    changed_ = dirty_ = true;
  }
  if (week != 0 && week > week_) {
    for (auto& [device, account] : accounts_) {
      for (auto& [name, use] : account) use.week = 0;
    }
    changed_ = dirty_ = true;
  }
  if ((day != 0 && day > day_) || (week != 0 && week > week_)) {
    std::erase_if(accounts_, [](const auto& one) {
      return std::all_of(one.second.begin(), one.second.end(), [](const auto& named) {
        const Use& use = named.second;
        return use.day == 0 && use.week == 0 && use.added == 0;
      });
    });
  }
  if (day != 0) day_ = day;
  if (week != 0) week_ = week;
}

Book::Account& Book::account(const Device& device) {
  const auto known = accounts_.find(device);
  if (known != accounts_.end()) return known->second;
  return accounts_[accounts_.size() < kMaxAccounts ? device : Device::others()];
}

void Book::count(const Device& device, const Minute& minute, std::uint32_t now) {
  if (minute.epoch != epoch_ || minute.number == 0 || minute.number > now) return;
  for (std::size_t i = 0; i < budgets_.size(); ++i) {
    if ((minute.budgets >> i & 1) == 0) continue;
    Use& use = account(device)[budgets_[i].name];
    const bool again = minute.number <= use.last && use.last - minute.number < kSetBack;
    if (again) continue;
    use.last = minute.number;
    ++use.day;
    ++use.week;
    changed_ = dirty_ = true;
  }
}

void Book::merge(const Activity& activity, std::uint32_t now) {
  activity.visit([&](const Device& device, const std::array<std::uint64_t, 2>& words) {
    std::array<Minute, 2> minutes{Minute::of(words[0]), Minute::of(words[1])};
    if (minutes[0].number > minutes[1].number) std::swap(minutes[0], minutes[1]);
    for (const Minute& one : minutes) {
      // What an hour ago was active was added up then.
      if (one.number + 2 >= now) count(device, one, now);
    }
  });
}

std::uint32_t Book::left(const Use& use, const policy::Budget& budget) {
  std::uint32_t left = UINT32_MAX;
  const std::uint32_t added = is_of_another(budget.name) ? 0 : use.added;
  if (budget.minutes_a_day != 0) {
    const std::uint32_t most = budget.minutes_a_day + added;
    left = most - std::min(most, use.day);
  }
  if (budget.minutes_a_week != 0) {
    const std::uint32_t most = budget.minutes_a_week + added;
    left = std::min(left, most - std::min(most, use.week));
  }
  return left;
}

State Book::state_of(const Use& use, const policy::Budget& budget, std::uint32_t now) const {
  const std::uint32_t minutes = left(use, budget);
  if (minutes == 0 && use.last != now) return State::exhausted;
  return minutes <= budget.warn_at ? State::warned : State::good;
}

std::shared_ptr<const Exhausted> Book::exhausted(std::uint32_t now) {
  if (!dirty_ && told_ == now) return nullptr;
  told_ = now;
  dirty_ = false;
  Exhausted::Devices devices;
  for (auto& [device, account] : accounts_) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < budgets_.size(); ++i) {
      const auto use = account.find(budgets_[i].name);
      if (use == account.end()) continue;
      const State state = state_of(use->second, budgets_[i], now);
      if (state == State::exhausted) bits |= std::uint32_t{1} << i;
      if (state > use->second.state) {
        if (notices_.size() == kMostNotices) notices_.erase(notices_.begin());
        notices_.push_back({device, budgets_[i].name, state});
      }
      use->second.state = state;
    }
    if (bits != 0) devices.emplace_back(device, bits);
  }
  if (devices == exhausted_) return nullptr;
  exhausted_ = devices;
  return std::make_shared<const Exhausted>(devices, secret_);
}

const policy::Budget* Book::find(std::string_view name) const {
  const auto found = std::find_if(budgets_.begin(), budgets_.end(),
                                  [&](const policy::Budget& one) { return one.name == name; });
  return found == budgets_.end() ? nullptr : &*found;
}

// Each owner may tighten, and only he loosens.
Status Book::check_owner(const std::string& budget) const {
  if (!is_of_another(budget)) return {};
  const auto found = owners_.find(std::string_view(budget).substr(0, budget.rfind('/')));
  const std::string owner = found != owners_.end() ? found->second : "another owner";
  return fail("is a budget of " + owner + ", who alone can give more of it", budget,
              "ask " + owner + " to change the layer, or name a budget of the site");
}

Result<std::string> Book::add(const Device& device, const std::string& budget,
                              std::uint32_t minutes) {
  const policy::Budget* const of = find(budget);
  if (of == nullptr) {
    std::string known;
    for (const policy::Budget& one : budgets_) known += (known.empty() ? "" : ", ") + one.name;
    return fail("no budget is named '" + budget + "'", budget,
                known.empty() ? "the policy has none" : "known are: " + known);
  }
  if (auto status = check_owner(budget); !status) return fail(status.error());
  Use& use = account(device)[budget];
  if (minutes == 0 || minutes > kMostAdded || use.added + minutes > kMostAdded) {
    return fail("a day has 1 to " + std::to_string(kMostAdded) + " minutes to add", budget);
  }
  use.added += minutes;
  changed_ = dirty_ = true;
  return text(device) + ": " + std::to_string(minutes) + " minutes more of " + budget +
         " today, which leaves " + std::to_string(left(use, *of));
}

Result<std::string> Book::reset(const Device& device, const std::string& budget) {
  const auto found = accounts_.find(device);
  if (found == accounts_.end() || (!budget.empty() && !found->second.contains(budget))) {
    return fail("has spent nothing", text(device), "see sluicectl budget list");
  }
  if (auto status = check_owner(budget); !status) return fail(status.error());
  std::string others;
  for (auto& [name, use] : found->second) {
    if (is_of_another(name)) {
      others += (others.empty() ? "" : ", ") + name;
    } else if (budget.empty() || name == budget) {
      // The minute that goes on stays counted, or it would be so again at once.
      use = {.last = use.last};
    }
  }
  changed_ = dirty_ = true;
  if (!budget.empty()) return text(device) + ": nothing is spent of " + budget;
  return text(device) + ": nothing is spent of any budget" +
         (others.empty() ? "" : " of the site; those of other owners stay: " + others);
}

std::vector<Book::Notice> Book::take_notices() { return std::exchange(notices_, {}); }

}  // namespace sluice::budget
