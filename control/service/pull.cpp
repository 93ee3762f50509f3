// What the updater does with what the authority publishes: fetch, guard, build, take.
#include <algorithm>

#include "config/base/json.h"
#include "config/files/file.h"
#include "config/policy/policy.h"
#include "control/compile/guard.h"
#include "control/service/downloads.h"
#include "control/service/log.h"
#include "control/service/release_file.h"
#include "control/service/signed_layers.h"
#include "control/service/updater.h"
#include "control/sync/client.h"

namespace sluice::service {
namespace {

void log_brought(const sync::Brought& one) {
  if (!one.refused.empty()) {
    log(Level::warning, "delta", one.refused + " (the full list was fetched instead)");
  }
  const std::string how = one.steps == 0   ? "as a whole"
                          : one.steps == 1 ? "by a delta"
                                           : "by " + std::to_string(one.steps) + " deltas";
  log(Level::info, "fetch",
      "the list of " + one.department + ", " + how + ", " + std::to_string(one.octets) + " octets");
}

/// By what was signed as the present; the latest comes last, so that a doubt of it stays told.
void raise_floor(sync::TimeFloor& floor, const std::optional<tuf::Time>& witnessed,
                 const std::optional<tuf::Timestamp>& timestamp) {
  std::vector<std::pair<tuf::Time, std::string>> told;
  if (witnessed) told.emplace_back(*witnessed, "the log's witnesses");
  if (timestamp && timestamp->issued) {
    told.emplace_back(*timestamp->issued, "timestamp " + std::to_string(timestamp->version));
  }
  std::sort(told.begin(), told.end());
  for (const auto& [time, source] : told) {
    if (auto status = floor.raise(time, source); !status) {
      log(Level::warning, "time", status.error().text());
    }
  }
}

/// After a hold, what was made before it or during it may be there still.
bool go_forward(Running& running, const std::string& release, const std::string& policy,
                tuf::Time now) {
  const auto current = running.current();
  for (const std::uint64_t number : running.kept()) {
    if (!current || number <= current->header().generation) return false;
    auto opened = running.verify(number);
    if (!opened) continue;
    const auto sources = compile::sources_from_json((*opened)->sources_json());
    if (sources.release == release && sources.orders.holds(now) &&
        (*opened)->policy_json() == policy) {
      return running.activate(*opened).has_value();
    }
  }
  return false;
}

}  // namespace

std::string_view text(Outcome outcome) {
  switch (outcome) {
    case Outcome::none:
      return "none";
    case Outcome::no_authority:
      return "no-authority";
    case Outcome::unchanged:
      return "unchanged";
    case Outcome::published:
      return "published";
    case Outcome::held:
      return "held";
    case Outcome::on_hold:
      return "on-hold";
    case Outcome::failed:
      return "failed";
    case Outcome::interrupted:
      return "interrupted";
  }
  return "none";
}

Status Updater::take_release(const compile::Release& release, const Running::Shared& made,
                             std::uint64_t made_of, Kind kind) {
  // The release first, then the link: a cut between the two is mended by compiling the new release
  // again at the next start, where the other order would go back to the old one.
  auto status =
      files::write_atomic(lists_dir() / kReleaseFile, json_text(compile::to_json(release)));
  if (!status) {
    running_.discard(made->header().generation);
    return status;
  }
  set_release(release);
  // What a person holds goes on being held, with what is urgent in it.
  if (kind != Kind::usual && made_of != 0 && running_.held()) {
    return running_.replace(made, made_of);
  }
  return running_.activate(made);
}

/// What the guards found is known; to find it again would cost a download and a compilation. Signed
/// anew, the same lists may come with a bulk change that permits them.
bool Updater::waits_already(const compile::Release& release) const {
  const std::string id = compile::release_id(release);
  const auto& held = view_.held_release;
  return held && held->release == id && held->snapshot == release.snapshot_version &&
         !running_.is_approved(id);
}

std::optional<Error> Updater::hold_for_person(const compile::Release& release,
                                              const std::vector<Error>& reasons) {
  const std::string id = compile::release_id(release);
  if (reasons.empty() || running_.is_approved(id)) return std::nullopt;
  HeldRelease held{.release = id, .snapshot = release.snapshot_version};
  for (const Error& reason : reasons) held.reasons.push_back(reason.text());
  update_view([&](View& view) { view.held_release = held; });
  Error error = reasons.front();
  if (reasons.size() > 1) error.what += ", and " + std::to_string(reasons.size() - 1) + " more";
  error.advice =
      "held; the last good lists stay. A planned change is published with sluice-authority sign "
      "--bulk-change; a person lets just this release through with sluicectl list approve " +
      id.substr(0, 12);
  held_error_ = error;
  return error;
}

/// The lists are the same; versions and expiries may have moved on.
Outcome Updater::keep_release(const compile::Release& release, std::optional<Error>& error) {
  const auto json = json_text(compile::to_json(release));
  if (json == json_text(compile::to_json(*release_))) return Outcome::unchanged;
  if (auto status = files::write_atomic(lists_dir() / kReleaseFile, json); !status) {
    error = status.error();
    return Outcome::failed;
  }
  const std::lock_guard lock(building_);
  set_release(release);
  return Outcome::unchanged;
}

Outcome Updater::pull_release(std::optional<Error>& error) {
  const auto failed = [&](Outcome outcome, const Error& reason) {
    error = reason;
    return outcome;
  };
  const schema::Authority& authority = *config_.authority;
  auto http = http_options(config_.proxy, authority.ca_file, stop_);
  if (!http) return failed(Outcome::failed, http.error());
  std::vector<std::string> urls = authority.mirrors;
  urls.push_back(authority.url);
  interruptions_ = {};
  for (;;) {
    error.reset();
    auto fetcher = sync::Fetcher::create({.base_urls = urls, .http = *http}, &validators_);
    if (!fetcher) return failed(Outcome::failed, fetcher.error());
    fetcher->interrupt_when(interrupt_);
    const Outcome outcome = pull_from(*fetcher, true, error);
    if (!fetcher->interrupted() || stop_) return outcome;
    if (interrupt_()) {
      log(Level::info, "pull", "something else was asked for: then the download goes on");
      return Outcome::interrupted;
    }
    log(Level::info, "pull",
        "snapshot " + std::to_string(interruptions_.snapshot) +
            " was signed meanwhile: it is looked at first, then the download goes on");
  }
}

/// Whatever carries the lists here, they are verified in this one way.
Outcome Updater::pull_from(sync::Fetcher& fetcher, bool staged, std::optional<Error>& error) {
  const auto failed = [&](Outcome outcome, const Error& reason) {
    error = reason;
    return outcome;
  };
  auto trust = sync::Trust::load(trust_dir(), config_.authority->root);
  if (!trust) return failed(Outcome::failed, trust.error());
  sync::Client client(fetcher, *trust, clock_);
  auto release = client.refresh();
  // A mirror that is behind, or lies, is no reason to believe less of the others.
  const auto goes_on = [&] { return !stop_ && !fetcher.interrupted(); };
  for (std::size_t asked = 1; !release && asked < fetcher.mirrors() && goes_on(); ++asked) {
    log(Level::warning, "mirror", release.error().text() + " (the next mirror is asked)");
    fetcher.distrust();
    release = client.refresh();
  }
  std::optional<tuf::Time> witnessed;
  update_view([&](View& view) {
    view.not_logged = client.not_logged();
    if (client.witnessed()) view.witnessed = client.witnessed();
    witnessed = view.witnessed;
  });
  raise_floor(floor_, witnessed, trust->timestamp());
  if (trust->timestamp()) {
    update_view([&](View& view) { view.fresh_until = trust->timestamp()->expires; });
  }
  if (!release) return failed(Outcome::failed, release.error());
  may_have_emergencies_ = release->may_have_emergencies;

  if (release_) {
    auto status = compile::check_sequence(*release_, *release);
    if (!status) return failed(Outcome::failed, status.error());
  }
  auto rollout = read_rollout(fetcher, *release);
  if (!rollout) return failed(Outcome::failed, rollout.error());
  rollout_ = std::move(*rollout);
  mend_layers(fetcher);
  if (auto status = stage(*release, staged); !status) {
    return failed(Outcome::failed, status.error());
  }
  obey_halts();
  const bool same = release_ && compile::release_id(*release_) == compile::release_id(*release);
  if (same && !running_.held() && is_stale()) {
    const auto policy = policy_json(released());
    if (policy) (void)go_forward(running_, compile::release_id(*release), *policy, clock_());
    // The site's own part of it is made without the authority.
    (void)refresh_generation();
  }
  if (same && !is_stale()) {
    sync::keep_made_files(*release, *release_);
    wanted_.reset();
    return keep_release(*release, error);
  }
  bool after_halt = false;  // with what was halted, as far as the authority has not mended it
  const auto hold = running_.held();
  if (hold && !hold->halted.empty() && changes_what_was_halted(*release)) {
    after_halt = true;
    (void)running_.resume(
        {.who = kSelf, .reason = "the authority has published another release", .at = clock_()});
  }
  if (running_.held()) {
    if (!release_) return Outcome::on_hold;
    mend_emergency(fetcher);
    // Nothing else will tell it: the rest of the release is not looked at.
    error = take_urgent(fetcher, *release);
    return Outcome::on_hold;
  }
  wanted_ = *release;
  if (staged) {
    fetcher.interrupt_when(
        [this, newer = newer_is_there()] { return interrupt_() || (newer && newer()); });
  }
  // Before whatever else may take long, or wait for a person.
  const bool urgent_first = release_ && changes_others(*release);
  if (urgent_first) (void)take_urgent(fetcher, *release);
  const Outcome outcome = waits_already(*release) ? failed(Outcome::held, *held_error_)
                                                  : take_new(fetcher, *release, error);
  // Urgent lists are not watched, nor is what a person brings.
  if (!staged || !(urgent_first || after_halt)) watched_.reset();
  if (outcome == Outcome::held && release_ && !urgent_first) (void)take_urgent(fetcher, *release);
  return outcome;
}

Outcome Updater::take_new(sync::Fetcher& fetcher, compile::Release& release,
                          std::optional<Error>& error, Kind kind) {
  const auto failed = [&](const Error& reason) {
    error = reason;
    return Outcome::failed;
  };
  // Each guard as soon as what it looks at is there.
  const auto held = [&](const std::vector<Error>& reasons) {
    error = hold_for_person(release, reasons);
    return error.has_value();
  };
  const compile::Release nothing;
  const compile::Release& before = release_ ? *release_ : nothing;
  drop_unused_files(&release);
  if (auto status = sync::bring_policy(fetcher, release, lists_dir()); !status) {
    return failed(status.error());
  }
  auto rules = compile::read_rules(release.policy, lists_dir());
  if (!rules) return failed(rules.error());
  if (auto layered = with_signed_layers(config_, release, lists_dir()); !layered) {
    return failed(layered.error());
  }
  if (held(compile::check_sizes(before, release, *rules))) return Outcome::held;
  auto brought = sync::bring_lists(fetcher, release, release_ ? &*release_ : nullptr, lists_dir());
  if (!brought) return failed(brought.error());
  std::vector<compile::ListDelta> deltas;
  for (const sync::Brought& one : *brought) {
    log_brought(one);
    if (one.steps != 0) deltas.push_back(one.delta);
  }
  auto churn = compile::check_churn(before, release, deltas, lists_dir(), *rules);
  if (churn && held(*churn)) return Outcome::held;
  // The list in use is damaged, and there is nothing to compare with; a bad new one is found below.
  if (!churn) log(Level::warning, "churn", churn.error().text() + " (what goes is not counted)");
  const std::lock_guard lock(building_);
  const auto current = running_.current();
  // A person has decided meanwhile: what was to be made is not what may be, and no guard would have
  // looked at it.
  const bool alone = kind == Kind::emergency;
  if (alone != (current && went_back())) return Outcome::on_hold;
  auto made = build(&release, std::move(*brought), alone ? Made::upon_what_runs : Made::as_due);
  if (!made) return failed(made.error());
  if (held(check_made(**made, current.get(), *rules, kind))) {
    running_.discard((*made)->header().generation);
    return Outcome::held;
  }
  auto status = take_release(release, *made, current ? current->header().generation : 0, kind);
  if (!status && running_.held()) return Outcome::on_hold;
  if (!status) return failed(status.error());
  if (kind == Kind::usual && current && watches_block_rate()) {
    watched_ = BlockRate::Watched{.release = compile::release_id(release),
                                  .made = (*made)->header().generation,
                                  .before = current->header().generation,
                                  .most_ratio = *rollout_->max_block_rate_ratio};
  }
  update_view([](View& view) { view.build_error.reset(); });
  drop_unused_files(nullptr);
  return Outcome::published;
}

void Updater::halt(const BlockRate::Halt& halt) {
  const Decision decision{.who = kSelf, .reason = halt.reason, .at = clock_()};
  auto status = running_.roll_back(halt.what.before, decision, kLongestHold, halt.what.release);
  log(Level::error, "halt",
      "release " + halt.what.release.substr(0, 12) + ": " + halt.reason +
          (status ? "" : "; it goes on, for " + status.error().text()));
  // Of what a person has decided since, nothing is taken back.
  if (status) (void)refresh_generation();
}

Outcome Updater::pull() {
  std::optional<Error> error;
  const bool asks = config_.authority && !config_.authority->url.empty();
  const Outcome outcome = asks ? pull_release(error) : Outcome::no_authority;
  return tell_outcome(outcome, error);
}

Outcome Updater::tell_outcome(Outcome outcome, const std::optional<Error>& error) {
  // A pull that a stopping process broke off says nothing about the authority.
  if (stop_ || outcome == Outcome::interrupted) return outcome;
  update_view([&](View& view) {
    view.outcome = outcome;
    view.pulled = clock_();
    view.pull_error = error;
  });
  // What changed at the site while a generation was made is not in that.
  if (outcome == Outcome::published) (void)refresh_generation();
  log(error ? Level::error : Level::info, "pull",
      std::string(text(outcome)) + (error ? ", " + error->text() : ""));
  return outcome;
}

}  // namespace sluice::service
