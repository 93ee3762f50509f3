#include "control/service/updater.h"

#include <algorithm>
#include <set>

#include "config/policy/policy.h"
#include "control/compile/guard.h"
#include "control/files/file.h"
#include "control/service/builder.h"
#include "control/service/log.h"
#include "control/sync/client.h"

namespace sluice::service {
namespace {

constexpr std::uint64_t kMaxReleaseOctets = 1 << 20;
constexpr const char* kReleaseFile = "release.json";

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
    case Outcome::failed:
      return "failed";
  }
  return "none";
}

Updater::Updater(schema::Config config, tuf::Clock clock, const std::atomic<bool>& stop,
                 OnActivated on_activated)
    : config_(std::move(config)),
      clock_(std::move(clock)),
      stop_(stop),
      on_activated_(std::move(on_activated)),
      store_(config_.generations_dir(), config_.keep_generations) {}

void Updater::update_view(const std::function<void(View&)>& change) {
  const std::lock_guard lock(mutex_);
  change(view_);
}

View Updater::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void Updater::set_config(schema::Config config) {
  config_ = std::move(config);
  store_.set_keep(config_.keep_generations);
}

Status Updater::recover() {
  for (const auto& folder : {lists_dir(), trust_dir()}) {
    if (auto status = files::make_folder(folder); !status) return status;
    files::remove_leftovers(folder);
  }
  auto recovered = store_.recover();
  if (!recovered) return fail(recovered.error());
  for (const std::string& repair : recovered->repairs) log(Level::warning, "recover", repair);
  load_release();
  drop_unused_files(nullptr);
  current_ = std::move(recovered->current);
  if (!current_) return {};
  const std::uint64_t number = current_->header().generation;
  const auto sources = compile::sources_from_json(current_->sources_json());
  update_view([&](View& view) {
    view.generation = current_->header();
    view.next_change = sources.next_change;
  });
  log(Level::info, "recover", "current is generation " + std::to_string(number));
  on_activated_(number, store_.path_of(number));
  return {};
}

void Updater::load_release() {
  const std::filesystem::path path = lists_dir() / kReleaseFile;
  if (!std::filesystem::exists(path)) return;
  auto bytes = files::read_bounded(path, kMaxReleaseOctets);
  auto release = bytes ? compile::release_from_json(*bytes, path.string())
                       : Result<compile::Release>(fail(bytes.error()));
  if (!release) {
    log(Level::warning, "recover", release.error().text());
    return;
  }
  release_ = std::move(*release);
  update_view([&](View& view) { view.release = release_; });
}

void Updater::drop_unused_files(const compile::Release* also) const {
  std::set<std::string> used = {kReleaseFile};
  for (const compile::Release* release : {release_ ? &*release_ : nullptr, also}) {
    if (release == nullptr) continue;
    for (const compile::ReleaseList& list : release->lists) {
      used.insert(list.full_file());
      used.insert(list.orders.stored_name());
    }
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(lists_dir(), error)) {
    if (!entry.is_regular_file() || used.contains(entry.path().filename().string())) continue;
    std::error_code ignored;
    std::filesystem::remove(entry.path(), ignored);
  }
}

bool Updater::is_stale() const {
  // Before the first list the dataplane's own `fail` rule holds, not an empty list.
  if (!current_) return release_ || !config_.authority;
  const auto sources = compile::sources_from_json(current_->sources_json());
  return current_->policy_json() != policy::to_json(config_.policy) ||
         (release_ && sources.release != compile::release_id(*release_)) ||
         (sources.next_change && *sources.next_change <= clock_());
}

Result<std::uint64_t> Updater::build(const compile::Release* release,
                                     std::vector<sync::Brought> brought) {
  const std::uint64_t number = store_.next_number();
  auto built = build_generation({.release = release,
                                 .current = current_,
                                 .current_release = release_ ? &*release_ : nullptr,
                                 .brought = std::move(brought),
                                 .lists_dir = lists_dir(),
                                 .policy_json = policy::to_json(config_.policy),
                                 .now = clock_(),
                                 .generation = number,
                                 .output = store_.path_of(number)});
  if (!built) return fail(built.error());
  update_view([&](View& view) { view.next_change = built->next_change; });
  log(Level::info, "compile", "generation " + std::to_string(number) + ", " + built->how);
  return number;
}

Status Updater::activate(std::uint64_t number) {
  auto activated = store_.activate(number, current_);
  if (!activated) return fail(activated.error());
  current_ = std::move(*activated);
  update_view([&](View& view) { view.generation = current_->header(); });
  log(Level::info, "publish", "current is generation " + std::to_string(number));
  on_activated_(number, store_.path_of(number));
  return {};
}

Status Updater::refresh_generation() {
  if (!is_stale()) {
    update_view([](View& view) { view.build_error.reset(); });
    return {};
  }
  Status status;
  if (auto number = build(release_ ? &*release_ : nullptr, {})) {
    status = activate(*number);
  } else {
    status = fail(number.error());
  }
  if (!status) log(Level::error, "compile", status.error().text());
  update_view([&](View& view) {
    view.build_error = status ? std::nullopt : std::optional(status.error());
  });
  return status;
}

Status Updater::take_release(const compile::Release& release, std::vector<sync::Brought> brought) {
  auto number = build(&release, std::move(brought));
  if (!number) return fail(number.error());
  // The release first, then the link: a cut between the two is mended by compiling the new release
  // again at the next start, where the other order would go back to the old one.
  auto status = files::write_atomic(lists_dir() / kReleaseFile, compile::to_json(release).dump());
  if (!status) {
    std::error_code ignored;
    std::filesystem::remove(store_.path_of(*number), ignored);
    return status;
  }
  release_ = release;
  update_view([&](View& view) { view.release = release_; });
  return activate(*number);
}

Outcome Updater::pull_release(std::optional<Error>& error) {
  const auto failed = [&](Outcome outcome, const Error& reason) {
    error = reason;
    return outcome;
  };
  const schema::Authority& authority = *config_.authority;
  auto fetcher = sync::Fetcher::create(
      {.base_url = authority.url, .ca_file = authority.ca_file, .stop = &stop_});
  if (!fetcher) return failed(Outcome::failed, fetcher.error());
  auto trust = sync::Trust::load(trust_dir(), authority.root);
  if (!trust) return failed(Outcome::failed, trust.error());
  sync::Client client(*fetcher, *trust, clock_);
  auto release = client.refresh();
  if (trust->timestamp()) {
    update_view([&](View& view) { view.fresh_until = trust->timestamp()->expires; });
  }
  if (!release) return failed(Outcome::failed, release.error());

  if (release_) {
    auto status = compile::check_change(*release_, *release);
    if (!status) return failed(Outcome::held, status.error());
  }
  const bool same = release_ && compile::release_id(*release_) == compile::release_id(*release);
  if (same && !is_stale()) {
    sync::keep_made_files(*release, *release_);
    // The lists are the same; versions and expiries may have moved on.
    auto json = compile::to_json(*release).dump();
    if (json == compile::to_json(*release_).dump()) return Outcome::unchanged;
    auto status = files::write_atomic(lists_dir() / kReleaseFile, json);
    if (!status) return failed(Outcome::failed, status.error());
    release_ = std::move(*release);
    update_view([&](View& view) { view.release = release_; });
    return Outcome::unchanged;
  }
  drop_unused_files(&*release);
  auto brought =
      sync::bring_lists(*fetcher, *release, release_ ? &*release_ : nullptr, lists_dir());
  if (!brought) return failed(Outcome::failed, brought.error());
  for (const sync::Brought& one : *brought) log_brought(one);
  auto status = take_release(*release, std::move(*brought));
  if (!status) return failed(Outcome::failed, status.error());
  update_view([](View& view) { view.build_error.reset(); });
  drop_unused_files(nullptr);
  return Outcome::published;
}

Outcome Updater::pull() {
  std::optional<Error> error;
  const Outcome outcome = config_.authority ? pull_release(error) : Outcome::no_authority;
  // A pull that a stopping process broke off says nothing about the authority.
  if (stop_) return outcome;
  update_view([&](View& view) {
    view.outcome = outcome;
    view.pulled = clock_();
    view.pull_error = error;
  });
  log(error ? Level::error : Level::info, "pull",
      std::string(text(outcome)) + (error ? ", " + error->text() : ""));
  return outcome;
}

}  // namespace sluice::service
