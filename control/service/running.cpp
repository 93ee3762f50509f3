#include "control/service/running.h"

#include <algorithm>
#include <set>

#include "control/service/log.h"

namespace sluice::service {
namespace {

std::string generation_text(std::uint64_t number) { return "generation " + std::to_string(number); }

Status check_hours(std::chrono::hours hours) {
  if (hours.count() >= 1 && hours <= kLongestHold) return {};
  return fail("a hold lasts 1 to " + std::to_string(kLongestHold.count()) + " hours", {},
              "hold again when it has ended, or have the authority publish a correction");
}

}  // namespace

Running::Running(std::filesystem::path folder, std::uint32_t keep, std::filesystem::path decisions,
                 tuf::Clock clock, OnActivated on_activated)
    : file_(std::move(decisions)),
      clock_(std::move(clock)),
      on_activated_(std::move(on_activated)),
      store_(std::move(folder), keep) {}

Status Running::recover() {
  const std::lock_guard lock(mutex_);
  // A person's word that cannot be read is not guessed at; filtering goes on without it.
  auto decisions = load_decisions(file_);
  if (decisions) {
    decisions_ = std::move(*decisions);
  } else {
    log(Level::error, "recover",
        decisions.error().text() + " (holds, approvals and pins are forgotten)");
  }
  auto recovered = store_.recover();
  if (!recovered) return fail(recovered.error());
  for (const std::string& repair : recovered->repairs) log(Level::warning, "recover", repair);
  current_ = std::move(recovered->current);
  if (auto status = finish_rollback(); !status)
    log(Level::warning, "recover", status.error().text());
  if (!current_) return {};
  const std::uint64_t number = current_->header().generation;
  log(Level::info, "recover", "current is " + generation_text(number));
  on_activated_(number, store_.path_of(number));
  return {};
}

Status Running::finish_rollback() {
  const auto hold = held_now();
  if (!hold || !current_ || current_->header().generation == hold->generation) return {};
  auto opened = store_.open(hold->generation, current_);
  if (!opened) return fail(opened.error());
  if (auto status = store_.point_to(hold->generation); !status) return status;
  current_ = std::move(*opened);
  return {};
}

void Running::set_keep(std::uint32_t keep) {
  const std::lock_guard lock(mutex_);
  store_.set_keep(keep);
}

Running::Shared Running::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Running::Place Running::next_place() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = store_.next_number();
  return {number, store_.path_of(number)};
}

Result<Running::Shared> Running::verify(std::uint64_t number) const {
  Shared at_hand = current();
  auto opened = store_.open(number, at_hand);
  if (!opened) store_.discard(number);
  return opened;
}

void Running::discard(std::uint64_t number) const { store_.discard(number); }

Status Running::switch_to(const Shared& generation) {
  const std::uint64_t number = generation->header().generation;
  if (auto status = store_.point_to(number); !status) return status;
  current_ = generation;
  log(Level::info, "publish", "current is " + generation_text(number));
  on_activated_(number, store_.path_of(number));
  return {};
}

Status Running::activate(const Shared& generation) {
  const std::lock_guard lock(mutex_);
  if (const auto hold = held_now()) {
    store_.discard(generation->header().generation);
    return fail(generation_text(hold->generation) + " is held by " + hold->who + " until " +
                tuf::to_text(hold->until));
  }
  if (auto status = switch_to(generation); !status) return status;
  prune();
  return {};
}

void Running::prune() const {
  std::set<std::uint64_t> pinned;
  for (const Pin& pin : decisions_.pins) pinned.insert(pin.generation);
  store_.prune(pinned);
}

Status Running::replace(const Shared& generation, std::uint64_t made_of) {
  const std::uint64_t number = generation->header().generation;
  {
    const std::lock_guard lock(mutex_);
    if (!current_ || current_->header().generation != made_of) {
      store_.discard(number);
      return fail(generation_text(made_of) + " no longer runs");
    }
    if (held_now()) {
      Decisions next = decisions_;
      next.hold.generation = number;
      if (auto status = decide(std::move(next)); !status) return status;
      if (auto status = switch_to(generation); !status) return status;
      prune();
      return {};
    }
  }
  return activate(generation);
}

Status Running::decide(Decisions decisions) {
  if (auto status = save_decisions(file_, decisions); !status) return status;
  decisions_ = std::move(decisions);
  return {};
}

Status Running::hold(const Decision& decision, std::chrono::hours hours) {
  if (auto status = check_hours(hours); !status) return status;
  const std::lock_guard lock(mutex_);
  if (!current_) return fail("there is no generation to hold");
  Decisions next = decisions_;
  next.hold = Hold{decision, current_->header().generation, decision.at + hours, {}};
  if (auto status = decide(std::move(next)); !status) return status;
  audit("hold " + generation_text(current_->header().generation) + " until " +
            tuf::to_text(decisions_.hold.until),
        decision);
  return {};
}

Status Running::roll_back(std::uint64_t number, const Decision& decision, std::chrono::hours hours,
                          const std::string& halted) {
  if (auto status = check_hours(hours); !status) return status;
  const std::lock_guard lock(mutex_);
  // A person was faster.
  if (!halted.empty() && held_now()) return fail("there is a hold");
  const std::uint64_t from = current_ ? current_->header().generation : 0;
  const auto all = store_.numbers();
  if (number == 0) {
    const auto before =
        std::find_if(all.begin(), all.end(), [&](std::uint64_t one) { return one < from; });
    if (before == all.end()) return fail("no generation before the current one is kept");
    number = *before;
  }
  if (std::find(all.begin(), all.end(), number) == all.end()) {
    return fail(generation_text(number) + " is not kept", {}, "see sluicectl list generations");
  }
  // Checked before it is decided: a bad file must not become what is held. The base of what runs
  // was checked when that was opened; to read 200 MB again would take most of a second.
  const Shared base = current_ ? current_->base() : nullptr;
  auto opened = base && base->header().generation == number ? Result<Shared>(base)
                                                            : store_.open(number, current_);
  if (!opened) return fail(opened.error());
  Decisions next = decisions_;
  next.hold = Hold{decision, number, decision.at + hours, halted};
  if (auto status = decide(std::move(next)); !status) return status;
  if (auto status = switch_to(*opened); !status) return status;
  audit("rollback from " + generation_text(from) + " to " + generation_text(number) +
            ", held until " + tuf::to_text(decisions_.hold.until),
        decision);
  return {};
}

Status Running::resume(const Decision& decision) {
  const std::lock_guard lock(mutex_);
  if (!held_now()) return fail("there is no hold");
  Decisions next = decisions_;
  const std::uint64_t number = next.hold.generation;
  next.hold = {};
  if (auto status = decide(std::move(next)); !status) return status;
  audit("resume from the hold of " + generation_text(number), decision);
  return {};
}

Status Running::approve(const std::string& release, const Decision& decision) {
  const std::lock_guard lock(mutex_);
  Decisions next = decisions_;
  next.approval = Approval{decision, release};
  if (auto status = decide(std::move(next)); !status) return status;
  audit("approve release " + release, decision);
  return {};
}

Status Running::pin(std::uint64_t number, const Decision& decision) {
  const std::lock_guard lock(mutex_);
  const auto all = store_.numbers();
  if (std::find(all.begin(), all.end(), number) == all.end()) {
    return fail(generation_text(number) + " is not kept", {}, "see sluicectl list generations");
  }
  Decisions next = decisions_;
  std::erase_if(next.pins, [&](const Pin& pin) { return pin.generation == number; });
  if (next.pins.size() >= kMaxPins) {
    return fail(std::to_string(kMaxPins) + " generations are pinned already", {}, "unpin one");
  }
  next.pins.push_back({decision, number});
  if (auto status = decide(std::move(next)); !status) return status;
  audit("pin " + generation_text(number), decision);
  return {};
}

Status Running::unpin(std::uint64_t number, const Decision& decision) {
  const std::lock_guard lock(mutex_);
  Decisions next = decisions_;
  if (std::erase_if(next.pins, [&](const Pin& pin) { return pin.generation == number; }) == 0) {
    return fail(generation_text(number) + " is not pinned");
  }
  if (auto status = decide(std::move(next)); !status) return status;
  audit("unpin " + generation_text(number), decision);
  return {};
}

bool Running::hold_has_ended() {
  const std::lock_guard lock(mutex_);
  if (decisions_.hold.generation == 0 || held_now()) return false;
  Decisions next = decisions_;
  const std::string what = "the hold of " + generation_text(next.hold.generation);
  next.hold = {};
  if (auto status = decide(std::move(next)); !status) {
    log(Level::error, "hold", status.error().text());
    return false;
  }
  log(Level::info, "audit", what + " has come to its end");
  return true;
}

std::optional<Hold> Running::held_now() const {
  const Hold& hold = decisions_.hold;
  // A clock that was set back must not make a hold longer than it may be.
  const tuf::Time now = clock_();
  const bool in_force =
      hold.generation != 0 && now < hold.until && hold.until <= now + kLongestHold;
  return in_force ? std::optional(hold) : std::nullopt;
}

std::optional<Hold> Running::held() const {
  const std::lock_guard lock(mutex_);
  return held_now();
}

bool Running::is_approved(const std::string& release) const {
  const std::lock_guard lock(mutex_);
  return decisions_.approval.release == release;
}

Decisions Running::decisions() const {
  const std::lock_guard lock(mutex_);
  return decisions_;
}

std::vector<std::uint64_t> Running::kept() const {
  const std::lock_guard lock(mutex_);
  return store_.numbers();
}

}  // namespace sluice::service
