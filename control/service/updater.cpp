#include "control/service/updater.h"

#include <set>

#include "config/files/file.h"
#include "config/policy/policy.h"
#include "control/service/log.h"
#include "control/service/release_file.h"
#include "control/service/signed_layers.h"
#include "control/sync/trust.h"

namespace sluice::service {

Updater::Updater(schema::Config config, tuf::Clock clock, const std::atomic<bool>& stop,
                 OnActivated on_activated, tuf::Time built)
    : config_(std::move(config)),
      floor_(config_.state_dir / "time-floor.json", built, std::move(clock)),
      clock_([this] { return floor_.now(); }),
      stop_(stop),
      site_(config_.state_dir / "site", clock_,
            [](const std::string& told) { log(Level::error, "site", told); }),
      modes_(config_.state_dir / "modes.json", clock_),
      running_(config_.generations_dir(), config_.keep_generations,
               config_.state_dir / "decisions.json", clock_, std::move(on_activated)),
      staging_(config_.state_dir / "rollout.json"),
      told_config_(std::make_shared<const schema::Config>(config_)) {}

std::shared_ptr<const schema::Config> Updater::config() const {
  const std::lock_guard lock(mutex_);
  return told_config_;
}

void Updater::update_view(const std::function<void(View&)>& change) {
  const std::lock_guard lock(mutex_);
  change(view_);
}

View Updater::view() const {
  std::unique_lock lock(mutex_);
  View view = view_;
  lock.unlock();
  view.hold = running_.held();
  if (const auto current = running_.current()) {
    view.generation = current->header();
    auto sources = compile::sources_from_json(current->sources_json());
    view.next_change = sources.local_next_change;
    const auto consider = [&](const std::optional<tuf::Time>& time) {
      if (time && (!view.next_change || *time < *view.next_change)) view.next_change = time;
    };
    // What was gone back to stays what it lists, but for what ends, and emergencies.
    consider(next_end(*current));
    const bool is_newest = view.release && sources.release == compile::release_id(*view.release);
    const auto consider_orders = [&](const compile::Stretch& orders) {
      consider(orders.next_change);
      const auto& last = orders.last_change;
      if (last && (!view.last_change || *view.last_change < *last)) view.last_change = last;
    };
    if (view.release && (!view.hold || is_newest)) consider_orders(sources.orders);
    if (view.release && view.hold && sources.emergency) consider_orders(sources.emergency->orders);
    view.dropped = std::move(sources.dropped);
    view.dropped_count = sources.dropped_count;
  }
  return view;
}

void Updater::set_config(schema::Config config) {
  const std::lock_guard lock(building_);
  config_ = std::move(config);
  {
    const std::lock_guard told(mutex_);
    told_config_ = std::make_shared<const schema::Config>(config_);
  }
  site_.set_subscriptions(config_.subscriptions);
  running_.set_keep(config_.keep_generations);
  load_freshness();
  if (auto id = appliance_id(config_.appliance, config_.state_dir / "appliance-id")) {
    appliance_ = std::move(*id);
  }
}

Status Updater::recover() {
  for (const auto& folder : {config_.state_dir, lists_dir(), trust_dir()}) {
    if (auto status = files::make_folder(folder); !status) return status;
    files::remove_leftovers(folder);
  }
  std::error_code ignored;
  std::filesystem::remove_all(bundle_dir(), ignored);  // of an import that was cut
  if (auto status = site_.recover(); !status) return status;
  site_.set_subscriptions(config_.subscriptions);
  if (auto status = modes_.recover(); !status) log(Level::error, "mode", status.error().text());
  load_freshness();
  auto id = appliance_id(config_.appliance, config_.state_dir / "appliance-id");
  if (!id) return fail(id.error());
  appliance_ = std::move(*id);
  load_release();
  drop_unused_files(nullptr);
  if (auto status = running_.recover(); !status) return status;
  const auto current = running_.current();
  if (!release_ && current &&
      !compile::sources_from_json(current->sources_json()).release.empty()) {
    log(Level::error, "recover",
        (lists_dir() / kReleaseFile).string() +
            " is lost or damaged: the lists that run stay as they are until a pull brings it anew");
  }
  return {};
}

/// Until when what was seen last is fresh: nobody may ask again for days.
void Updater::load_freshness() {
  std::optional<tuf::Time> until;
  if (config_.authority) {
    const auto trust = sync::Trust::load(trust_dir(), config_.authority->root);
    if (trust && trust->timestamp()) until = trust->timestamp()->expires;
  }
  update_view([&](View& view) { view.fresh_until = until; });
}

void Updater::load_release() {
  const std::filesystem::path path = lists_dir() / kReleaseFile;
  if (!files::is_there(path)) return;
  auto bytes = files::read_bounded(path, kMaxReleaseOctets);
  auto release = bytes ? compile::release_from_json(*bytes, path.string())
                       : Result<compile::Release>(fail(bytes.error()));
  if (!release) {
    log(Level::warning, "recover", release.error().text());
    return;
  }
  may_have_emergencies_ = release->may_have_emergencies;
  set_release(*release);
}

void Updater::set_release(const compile::Release& release) {
  release_ = release;
  // All of it, or it was found since that it waits for its ring.
  if (wanted_ && compile::release_id(*wanted_) == compile::release_id(release)) wanted_.reset();
  update_view([&](View& view) {
    view.release = release_;
    view.held_release.reset();
    view.held_urgent.reset();
  });
  held_error_.reset();
}

void Updater::drop_unused_files(const compile::Release* also) const {
  std::set<std::string> used = {kReleaseFile};
  // What has come of a file in a transfer that broke is of use while the file is wanted.
  const auto use = [&](const compile::ListFile& file) {
    used.insert(file.stored_name());
    used.insert("." + file.stored_name() + std::string(files::kPartSuffix));
  };
  const compile::Release* const wanted = wanted_ ? &*wanted_ : nullptr;
  for (const compile::Release* release : {release_ ? &*release_ : nullptr, also, wanted}) {
    if (release == nullptr) continue;
    for (const compile::ReleaseList& list : release->lists) {
      used.insert(list.full_file());
      use(list.full);
      use(list.orders);
      if (release != also && release != wanted) continue;
      for (const compile::DeltaFile& delta : list.deltas) use(delta.file);
    }
    for (const compile::ListFile& file : release->policy) use(file);
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(lists_dir(), error)) {
    std::error_code unknown;
    if (!entry.is_regular_file(unknown) || used.contains(entry.path().filename().string()))
      continue;
    std::error_code ignored;
    std::filesystem::remove(entry.path(), ignored);
  }
}

Result<schema::Config> Updater::layered_config(const compile::Release* release) const {
  if (release == nullptr) return config_;
  return with_signed_layers(config_, *release, lists_dir());
}

Result<std::string> Updater::policy_json(const compile::Release* release) const {
  const auto config = layered_config(release);
  if (!config) return fail(config.error());
  auto policy = schema::policy_at(*config, clock_().time_since_epoch().count(), modes_.all());
  if (policy) return policy::to_json(*policy);
  // The zone was known when the configuration was read. Without moments, the time is not known.
  log(Level::error, "compile", policy.error().text());
  return policy::to_json(config->policy);
}

/// Whatever comes of the newest release: the one in use is what generations are made of until then,
/// and where a person holds what runs, for longer.
void Updater::mend_layers(sync::Fetcher& fetcher) {
  const compile::ListFile* const file = release_ ? layers_file(*release_) : nullptr;
  if (file == nullptr || layered_config(released())) return;
  auto status = fetcher.download(file->remote_path(), lists_dir() / file->stored_name(),
                                 file->length, file->sha256);
  if (!status) return log(Level::warning, "layers", status.error().text());
  log(Level::info, "layers", file->path + " was lost or damaged, and is fetched again");
  (void)refresh_generation();
}

std::chrono::seconds Updater::poll_period() const {
  const std::chrono::seconds wanted(config_.authority ? config_.authority->poll_seconds : 3600);
  return may_have_emergencies_ ? std::min(wanted, kEmergencyPoll) : wanted;
}

void Updater::take_subscriptions() {
  (void)refresh_generation();
  if (const auto current = running_.current()) {
    site_.drop_unused(compile::sources_from_json(current->sources_json()).local);
  }
}

}  // namespace sluice::service
