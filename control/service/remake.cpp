// Whether the generation that runs is the one to be, and what is made in its stead where it is not.
#include "config/policy/policy.h"
#include "control/compile/begins.h"
#include "control/compile/ends.h"
#include "control/service/layers.h"
#include "control/service/log.h"
#include "control/service/signed_layers.h"
#include "control/service/updater.h"

namespace sluice::service {

bool Updater::is_stale() const {
  const auto current = running_.current();
  // Before the first list the dataplane's own `fail` rule holds, not an empty list.
  if (!current) return release_ || !config_.authority;
  const auto policy = policy_json(released());
  if (!policy || current->policy_json() != *policy) return true;
  const auto sources = compile::sources_from_json(current->sources_json());
  if (sources.local != site_.layers().ids()) return true;
  if (has_ended(*current)) return true;
  return went_back() ? !emergencies_are_right() : !lists_are_right();
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
         sources.emergency->orders.holds(clock_());
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
  return sources.release == compile::release_id(*release_) && sources.orders.holds(clock_());
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
  const bool same_lists = unchanged && (went_back() || lists_are_right());
  std::optional<compile::Begun> begun;
  if (made == Made::as_due && unchanged && !same_lists) {
    // What is wrong with the lists, the compilation of all of them tells.
    const auto rules = compile::read_rules(release->policy, lists_dir());
    auto found = rules ? compile::find_begun(*release, current->sources_json(), lists_dir(), *rules,
                                             input.now)
                       : Result<std::optional<compile::Begun>>(std::nullopt);
    if (found) begun = std::move(*found);
    if (begun) input.begun = &*begun;
  }
  const bool of_what_runs = made != Made::as_due || same_lists || begun;
  const bool as_due = made == Made::as_due && of_what_runs && (running_.held() || begun);
  std::optional<compile::Emergency> emergency;
  if (made == Made::upon_what_runs || (as_due && !emergencies_are_right())) {
    auto rules = compile::read_rules(release->policy, lists_dir());
    if (!rules) return fail(rules.error());
    auto read = compile::read_emergency(*release, lists_dir(), *rules, input.now);
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

/// What is held stays what it lists; only what begins or ends, its policy and emergencies may be
/// others.
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

}  // namespace sluice::service
