#include "control/service/updater.h"

#include <set>

#include "config/files/file.h"
#include "config/policy/policy.h"
#include "control/service/layers.h"
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
    // What is held stays what it lists, but for what ends, and emergencies.
    consider(next_end(*current));
    if (view.release && !view.hold) consider(sources.next_change);
    if (view.release && view.hold && sources.emergency) consider(sources.emergency->next_change);
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
  if (!std::filesystem::exists(path)) return;
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
    if (!entry.is_regular_file() || used.contains(entry.path().filename().string())) continue;
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

bool Updater::is_stale() const {
  const auto current = running_.current();
  // Before the first list the dataplane's own `fail` rule holds, not an empty list.
  if (!current) return release_ || !config_.authority;
  const auto policy = policy_json(released());
  if (!policy || current->policy_json() != *policy) return true;
  const auto sources = compile::sources_from_json(current->sources_json());
  if (sources.local != site_.layers().ids()) return true;
  if (has_ended(*current)) return true;
  return running_.held() ? !emergencies_are_right() : !lists_are_right();
}

std::optional<tuf::Time> Updater::next_end(const generation::Generation& current) const {
  const std::string& digest = current.header().content_digest;
  {
    const std::lock_guard lock(mutex_);
    if (next_end_.digest == digest) return next_end_.at;
  }
  // A generation that cannot be read was refused before it ran.
  const auto found = compile::next_end(current);
  const auto at = found ? *found : std::nullopt;
  const std::lock_guard lock(mutex_);
  next_end_ = {digest, at};
  return at;
}

bool Updater::has_ended(const generation::Generation& current) const {
  const auto end = next_end(current);
  return end && *end <= clock_();
}

bool Updater::emergencies_are_right() const {
  const auto current = running_.current();
  if (!release_ || !current) return true;
  const auto sources = compile::sources_from_json(current->sources_json());
  return sources.emergency && sources.emergency->id == compile::emergency_id(*release_) &&
         (!sources.emergency->next_change || *sources.emergency->next_change > clock_());
}

/// Whether what runs lists what release_ says.
bool Updater::runs_release() const {
  const auto current = running_.current();
  return current && compile::sources_from_json(current->sources_json()).release ==
                        compile::release_id(*release_);
}

/// Whether release and time ask for nothing else than what runs lists of the authority.
bool Updater::lists_are_right() const {
  const auto sources = compile::sources_from_json(running_.current()->sources_json());
  // Lists that nobody can find are no reason to take away what was made of them.
  if (!release_) return true;
  return sources.release == compile::release_id(*release_) &&
         (!sources.next_change || *sources.next_change > clock_());
}

Result<Running::Shared> Updater::build(const compile::Release* release,
                                       std::vector<sync::Brought> brought, Made made) {
  // The release's own layers: no lists come into force before what was signed with them.
  auto policy = policy_json(release);
  if (!policy) return fail(policy.error());
  const auto current = running_.current();
  const Running::Place place = running_.next_place();
  const compile::LocalLayers local = site_.layers();
  BuildInput input{.release = release,
                   .current = current,
                   .current_release = released(),
                   .brought = std::move(brought),
                   .local = &local,
                   .lists_dir = lists_dir(),
                   .policy_json = std::move(*policy),
                   .now = clock_(),
                   .generation = place.number,
                   .output = place.path};
  const bool unchanged = input.brought.empty() && current && release == released();
  const bool same_lists = unchanged && (running_.held() || lists_are_right());
  std::optional<compile::NextChange> next;
  if (made == Made::as_due && unchanged && !same_lists) {
    // What is wrong with the lists, the compilation of all of them tells.
    auto found = compile::only_ends(*release, current->sources_json(), lists_dir(), clock_());
    if (found) next = *found;
    if (next) input.next_change = &*next;
  }
  const bool of_what_runs = made != Made::as_due || same_lists || next;
  const bool as_due = made == Made::as_due && of_what_runs && (running_.held() || next);
  std::optional<compile::Emergency> emergency;
  if (made == Made::upon_what_runs || (as_due && !emergencies_are_right())) {
    auto rules = compile::read_rules(release->policy, lists_dir());
    if (!rules) return fail(rules.error());
    auto read = compile::read_emergency(*release, lists_dir(), *rules, clock_());
    if (!read) return fail(read.error());
    emergency = std::move(*read);
    input.emergency = &*emergency;
  }
  auto built = of_what_runs ? build_local(input) : build_generation(input);
  if (!built) return fail(built.error());
  log(Level::info, "compile", "generation " + std::to_string(place.number) + ", " + built->how);
  return running_.verify(place.number);
}

Status Updater::make_again() {
  const auto current = running_.current();
  auto made = build(released(), {}, current && went_back() ? Made::upon_what_runs : Made::as_due);
  if (!made && current && has_ended(*current)) {
    // Lists that are lost or damaged keep no order from ending.
    const auto ended = build(released(), {}, Made::without_what_ended);
    if (ended) (void)put_in_place(*ended, *current);
  }
  if (!made) return fail(made.error());
  return current ? put_in_place(*made, *current) : running_.activate(*made);
}

/// What is held stays what it lists; only what ends, its policy and emergencies may be others.
Status Updater::put_in_place(const Running::Shared& made, const generation::Generation& current) {
  if (running_.held()) return running_.replace(made, current.header().generation);
  return running_.activate(made);
}

Status Updater::refresh_generation(std::chrono::milliseconds patience) {
  const std::unique_lock lock(building_, patience);
  if (!lock) return fail("another generation is being made", {}, "this is done right after it");
  if (release_) {
    keep_signed_layers(*release_, lists_dir(), config_.state_dir / "signed-layers.yaml");
  }
  update_view([this](View& view) {
    const auto with = layered_config(released());
    const auto next =
        schema::next_policy_at(with ? *with : config_, clock_().time_since_epoch().count());
    view.next_policy.reset();
    if (next) view.next_policy = tuf::Time(std::chrono::seconds(*next));
  });
  const Status status = is_stale() ? make_again() : Status{};
  if (!status) log(Level::error, "compile", status.error().text());
  update_view([&](View& view) {
    view.build_error = status ? std::nullopt : std::optional(status.error());
  });
  return status;
}

void Updater::take_subscriptions() {
  (void)refresh_generation();
  if (const auto current = running_.current()) {
    site_.drop_unused(compile::sources_from_json(current->sources_json()).local);
  }
}

}  // namespace sluice::service
