// What of a release an appliance takes now: by rings, and what is urgent past a guard that holds
// the rest.
#include <algorithm>

#include "config/files/file.h"
#include "config/ipc/socket.h"
#include "control/compile/guard.h"
#include "control/service/downloads.h"
#include "control/service/log.h"
#include "control/service/updater.h"
#include "control/sync/client.h"

namespace sluice::service {
namespace {

constexpr std::uint64_t kMaxRollout = 65'536;
// Of a mirror that does not answer, while a download lasts that it may be busy with.
constexpr std::chrono::seconds kAskedBesides{5};
// Of the dataplane, which reads all of a generation for it.
constexpr std::chrono::seconds kTrial{60};

}  // namespace

Result<std::optional<compile::Rollout>> Updater::read_rollout(sync::Fetcher& fetcher,
                                                              const compile::Release& release) {
  for (const compile::ListFile& file : release.policy) {
    if (file.path != compile::kRolloutFile) continue;
    const auto path = lists_dir() / file.stored_name();
    auto status = fetcher.download(file.remote_path(), path, file.length, file.sha256);
    if (!status) return fail(status.error());
    auto bytes = files::read_bounded(path, kMaxRollout);
    if (!bytes) return fail(bytes.error());
    auto rollout = compile::parse_rollout(*bytes, file.path);
    if (!rollout) return fail(rollout.error());
    return std::optional(std::move(*rollout));
  }
  return std::optional<compile::Rollout>();
}

/// What a person carries here waits for no ring: it is meant for this box. Nor does anything on an
/// appliance without lists, which has waited long enough. What is halted is for nobody.
Status Updater::stage(compile::Release& release, bool by_rings) {
  StagingView told{.appliance = appliance_};
  Status status;
  if (rollout_) {
    told.place = compile::place_of(rollout_->salt, appliance_);
    told.turn = compile::turn_of(*rollout_, appliance_);
    const auto delay = by_rings && release_ ? told.turn.delay : std::chrono::hours(0);
    const compile::Release none;
    told.waiting =
        staging_.hold_back(release, release_ ? *release_ : none, *rollout_, delay, clock_());
    if (!release_ && !told.waiting.empty()) status = check_left_out(release, told.waiting);
  }
  update_view([&](View& view) { view.staging = std::move(told); });
  return status;
}

bool Updater::is_urgent(const std::string& department) const {
  return rollout_ ? rollout_->urgent.contains(department) : department == compile::kEmergency;
}

/// Whether a release changes lists besides the urgent ones.
bool Updater::changes_others(const compile::Release& release) const {
  return std::any_of(
      release.lists.begin(), release.lists.end(), [&](const compile::ReleaseList& list) {
        const compile::ReleaseList* now = release_->find(list.department);
        return !is_urgent(list.department) &&
               (now == nullptr || now->full.content_sha256 != list.full.content_sha256 ||
                now->orders.content_sha256 != list.orders.content_sha256);
      });
}

/// While a person holds what runs, no pull fetches anew what was lost of its lists.
void Updater::mend_emergency(sync::Fetcher& fetcher) {
  if (emergencies_are_right() || refresh_generation()) return;
  const compile::ReleaseList* const list = release_->find(compile::kEmergency);
  if (list == nullptr) return;
  compile::Release alone{.lists = {*list}};
  auto status = sync::bring_policy(fetcher, *release_, lists_dir());
  if (status) {
    auto brought = sync::bring_lists(fetcher, alone, &alone, lists_dir());
    if (!brought) status = fail(brought.error());
  }
  if (!status) return log(Level::warning, "urgent", status.error().text());
  {
    const std::lock_guard lock(building_);
    for (compile::ReleaseList& one : release_->lists) {
      if (one.department == compile::kEmergency) one.made_file = alone.lists[0].made_file;
    }
  }
  (void)refresh_generation();
}

/// A list that shrank by accident must not keep an emergency's waiting until a person has looked,
/// nor one of millions until all of it has come.
std::optional<Error> Updater::take_urgent(sync::Fetcher& fetcher, const compile::Release& release) {
  compile::Release urgent = *release_;
  // The lists of what was gone back to are not here, so that no other can take the place of one.
  const bool emergency_alone = went_back();
  for (const compile::ReleaseList& list : release.lists) {
    if (!is_urgent(list.department)) continue;
    if (emergency_alone && list.department != compile::kEmergency) continue;
    std::erase_if(urgent.lists, [&](const auto& one) { return one.department == list.department; });
    urgent.lists.push_back(list);
  }
  // In the order of the release, as a whole compilation has them.
  std::sort(urgent.lists.begin(), urgent.lists.end(), [&](const auto& a, const auto& b) {
    const auto place = [&](const compile::ReleaseList& one) {
      return std::find_if(release.lists.begin(), release.lists.end(),
                          [&](const auto& list) { return list.department == one.department; }) -
             release.lists.begin();
    };
    return place(a) < place(b);
  });
  const std::string id = compile::release_id(urgent);
  if (id == compile::release_id(*release_)) {
    // Withdrawn, where some were held.
    update_view([](View& view) { view.held_urgent.reset(); });
    return std::nullopt;
  }
  const auto held_before = view_.held_urgent;
  // As waits_already() is of a whole release.
  if (held_before && held_before->release == id &&
      held_before->snapshot == release.snapshot_version && !running_.is_approved(id)) {
    return std::nullopt;
  }
  const auto held_release = view_.held_release;
  const auto held_error = held_error_;
  std::optional<Error> error;
  const Outcome outcome =
      take_new(fetcher, urgent, error, emergency_alone ? Kind::emergency : Kind::urgent);
  log(error ? Level::error : Level::info, "urgent",
      std::string(text(outcome)) + (error ? ", " + error->text() : ""));
  // What waits for a person goes on waiting.
  held_error_ = held_error;
  update_view([&](View& view) {
    if (!fetcher.interrupted()) view.held_urgent.reset();
    if (outcome == Outcome::held) {
      view.held_urgent = view.held_release;
      view.held_urgent->snapshot = release.snapshot_version;
    }
    view.held_release = held_release;
  });
  return outcome == Outcome::failed ? error : std::nullopt;
}

/// Whether the authority has signed a later release, asked as often as pulls are where none lasts
/// that long. It only ends a download, which goes on afterwards; a mirror that sends all of it anew
/// each time, or never has the later release, must not keep it from ever being there.
std::function<bool()> Updater::newer_is_there() {
  struct Asked {
    Asked(sync::Fetcher from, sync::Trust known, const tuf::Clock& clock)
        : fetcher(std::move(from)), trust(std::move(known)), client(fetcher, trust, clock) {}
    sync::Fetcher fetcher;
    sync::Trust trust;
    sync::Client client;
    std::chrono::steady_clock::time_point at = std::chrono::steady_clock::now();
  };
  const schema::Authority& authority = *config_.authority;
  auto http = http_options(config_.proxy, authority.ca_file, stop_);
  if (!http || interruptions_.left == 0) return {};
  std::vector<std::string> urls = authority.mirrors;
  urls.push_back(authority.url);
  auto fetcher = sync::Fetcher::create(
      {.base_urls = std::move(urls), .http = std::move(*http), .metadata_timeout = kAskedBesides});
  auto trust = sync::Trust::load(trust_dir(), authority.root);
  if (!fetcher || !trust) return {};
  auto asked = std::make_shared<Asked>(std::move(*fetcher), std::move(*trust), clock_);
  return [this, asked] {
    if (std::chrono::steady_clock::now() - asked->at < poll_period()) return false;
    asked->at = std::chrono::steady_clock::now();
    if (!asked->client.is_behind()) return false;
    const std::uint64_t snapshot = asked->trust.timestamp()->snapshot.version;
    if (snapshot <= interruptions_.snapshot) return false;
    interruptions_.snapshot = snapshot;
    --interruptions_.left;
    return true;
  };
}

/// What the guards say of a generation that is made.
std::vector<Error> Updater::check_made(const generation::Generation& made,
                                       const generation::Generation* current,
                                       const compile::Rules& rules, Kind kind) {
  auto found = compile::check_probes(made, rules);
  if (kind != Kind::emergency || current == nullptr) {
    for (Error& one : check_here(made, rules)) found.push_back(std::move(one));
    return found;
  }
  // What was gone back to, the emergency cannot help: of its own is what was not there before.
  const auto before = compile::check_probes(*current, rules);
  std::erase_if(found, [&](const Error& one) {
    return std::any_of(before.begin(), before.end(),
                       [&](const Error& other) { return other.text() == one.text(); });
  });
  if (rollout_ && rollout_->max_new_popular) {
    for (Error& one : compile::check_popular(*current, made, rules, *rollout_->max_new_popular)) {
      found.push_back(std::move(one));
    }
  }
  return found;
}

std::vector<Error> Updater::check_here(const generation::Generation& made,
                                       const compile::Rules& rules) {
  std::vector<Error> out;
  const auto current = running_.current();
  if (rollout_ && rollout_->max_new_popular && current) {
    out = compile::check_popular(*current, made, rules, *rollout_->max_new_popular);
  }
  // Without a dataplane there is nothing to look at, and nobody to keep from anything.
  const auto reply =
      ipc::call(config_.dataplane_socket(), {{"command", "events"}}, std::chrono::seconds(1));
  std::optional<compile::WhatIf> found;
  if (reply) found = compile::what_if(compile::past_blocks(*reply), made);
  if (found) {
    ask_what_passed(made, *found);
    for (auto& reasons : {compile::check_what_if(*found, rules.max_lifted_ratio),
                          compile::check_passed(*found, rules.max_new_ratio)}) {
      out.insert(out.end(), reasons.begin(), reasons.end());
    }
  }
  update_view([&](View& view) { view.what_if = found; });
  return out;
}

/// Where no release ran, all that one blocks is new.
void Updater::ask_what_passed(const generation::Generation& made, compile::WhatIf& found) const {
  if (!release_) {
    found.passed_not_asked = "it is the first release";
    return;
  }
  const auto reply = ipc::call(config_.dataplane_socket(),
                               {{"command", "trial"}, {"path", made.path().string()}}, kTrial);
  if (reply) found.passed = compile::passed_names(*reply);
  if (found.passed) return;
  found.passed_not_asked = reply ? "the dataplane's answer is none" : reply.error().text();
  log(Level::warning, "what-if",
      "the dataplane does not tell what would be blocked that passed: " + found.passed_not_asked);
}

}  // namespace sluice::service
