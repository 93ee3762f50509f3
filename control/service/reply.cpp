#include "control/service/reply.h"

#include <unistd.h>

namespace sluice::service {
namespace {

using nlohmann::json;

// Machines that serve the authority need not agree with this one to the second.
constexpr std::chrono::seconds kSmallSkew{300};

json time_or_null(const std::optional<tuf::Time>& time) {
  return time ? json(tuf::to_text(*time)) : json(nullptr);
}

json list_versions(const View& view) {
  json lists = json::array();
  if (!view.release) return lists;
  for (const compile::ReleaseList& list : view.release->lists) {
    lists.push_back({{"department", list.department},
                     {"seq", list.seq},
                     {"entries", list.entries},
                     {"role_version", list.role_version},
                     {"expires", tuf::to_text(list.role_expires)}});
  }
  return lists;
}

std::string age_text(std::chrono::seconds age) {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(age).count();
  return hours < 48 ? std::to_string(hours) + " h" : std::to_string(hours / 24) + " days";
}

json rollout_json(const StagingView& staging) {
  json waiting = json::array();
  for (const Waiting& one : staging.waiting) {
    waiting.push_back({{"department", one.department},
                       {"seq", one.seq},
                       {"seen", tuf::to_text(one.seen)},
                       {"due", one.halted ? json(nullptr) : json(tuf::to_text(one.due))}});
    if (one.halted) waiting.back()["halted"] = one.reason;
  }
  const bool has_ring = !staging.turn.ring.empty();
  return {{"appliance", staging.appliance},
          {"ring", has_ring ? json(staging.turn.ring) : json(nullptr)},
          {"place", has_ring ? json(staging.place) : json(nullptr)},
          {"delay_hours", staging.turn.delay.count()},
          {"waiting", std::move(waiting)}};
}

}  // namespace

json held_json(const std::optional<HeldRelease>& held) {
  if (!held) return nullptr;
  return {{"release", held->release}, {"snapshot", held->snapshot}, {"reasons", held->reasons}};
}

json error_json(const Error& error) {
  return {{"what", error.what}, {"where", error.where}, {"advice", error.advice}};
}

json alarms_json(const Facts& facts) {
  json alarms = json::array();
  const auto raise = [&](const char* id, const std::string& what) {
    alarms.push_back({{"id", id}, {"text", what}});
  };
  const View& view = facts.view;
  if (view.generation.generation == 0) {
    raise("no-generation", "there is no generation yet; the dataplane's `fail` rule holds");
  }
  if (view.pull_error) {
    raise(view.outcome == Outcome::held ? "release-held" : "pull-failed", view.pull_error->text());
  }
  if (view.held_urgent) {
    raise("urgent-held", "urgent lists wait for a person: " + view.held_urgent->reasons.front() +
                             "; see sluicectl list generations");
  }
  if (view.not_logged) raise("release-not-logged", view.not_logged->text());
  if (view.hold) {
    raise(view.hold->halted.empty() ? "generation-held" : "release-halted",
          "generation " + std::to_string(view.hold->generation) + " is held until " +
              tuf::to_text(view.hold->until) + " by " + view.hold->who + ": " + view.hold->reason);
  }
  if (view.build_error) raise("compile-failed", view.build_error->text());
  if (view.fresh_until && *view.fresh_until <= facts.now) {
    raise("lists-stale", "the authority's timestamp expired " +
                             age_text(facts.now - *view.fresh_until) +
                             " ago; the last good lists stay in use");
  }
  if (view.release && view.release->expires <= facts.now) {
    raise("lists-expired", "signatures on the lists expired at " +
                               tuf::to_text(view.release->expires) + "; they stay in use");
  }
  if (view.dropped_count > 0) {
    std::string text =
        std::to_string(view.dropped_count) + " entries of the authority are left out:";
    for (const std::string& one : view.dropped) text += " " + one;
    raise("entries-dropped", text);
  }
  if (facts.clock.behind > kSmallSkew) {
    raise("clock-behind", "the clock says " + tuf::to_text(facts.clock.system) + ", and it was " +
                              tuf::to_text(facts.clock.floor) + " by " + facts.clock.source +
                              "; that is gone by. Set the clock");
  }
  if (facts.clock.doubted) {
    raise("clock-behind",
          "the clock says " + tuf::to_text(facts.clock.system) + ", and " +
              tuf::to_text(*facts.clock.doubted) +
              " was signed as the present, by the authority or its log's witnesses. Check the "
              "clock; if it is right, tell the authority");
  }
  for (const json& one : facts.site_alarms) alarms.push_back(one);
  if (facts.link.refused) raise("dataplane-refused", facts.link.error);
  if (facts.trial_until) {
    raise("config-trial", "a configuration is tried until " + tuf::to_text(*facts.trial_until) +
                              "; sluicectl config confirm keeps it, config rollback ends it");
  }
  if (facts.config_error) raise("config-refused", facts.config_error->text());
  return alarms;
}

json status_json(const Facts& facts) {
  const View& view = facts.view;
  const publish::LinkStatus& link = facts.link;
  json pull = {{"outcome", text(view.outcome)},
               {"time", time_or_null(view.pulled)},
               {"running", facts.pulling},
               {"fresh_until", time_or_null(view.fresh_until)},
               {"witnessed", time_or_null(view.witnessed)}};
  if (view.pull_error) pull["error"] = error_json(*view.pull_error);
  json dataplane = {{"connected", link.connected},
                    {"generation", link.generation ? json(*link.generation) : json(nullptr)},
                    {"wanted", link.wanted}};
  if (!link.error.empty()) dataplane["error"] = link.error;
  return {{"version", SLUICE_VERSION},
          {"pid", ::getpid()},
          {"started", tuf::to_text(facts.started)},
          {"generation", view.generation.generation},
          {"entries", view.generation.entries},
          {"created", view.generation.created},
          {"next_change", time_or_null(view.next_change)},
          {"clock",
           {{"system", tuf::to_text(facts.clock.system)},
            {"floor", tuf::to_text(facts.clock.floor)},
            {"floor_source", facts.clock.source},
            {"behind_seconds", facts.clock.behind.count()}}},
          {"pull", std::move(pull)},
          {"release", view.release ? json({{"snapshot", view.release->snapshot_version},
                                           {"targets", view.release->targets_version},
                                           {"root", view.release->root_version},
                                           {"expires", tuf::to_text(view.release->expires)}})
                                   : json(nullptr)},
          {"lists", list_versions(view)},
          {"rollout", rollout_json(view.staging)},
          {"what_if", view.what_if ? compile::to_json(*view.what_if) : json(nullptr)},
          {"dropped", {{"count", view.dropped_count}, {"first", view.dropped}}},
          {"hold", view.hold ? to_json(*view.hold) : json(nullptr)},
          {"held_release", held_json(view.held_release)},
          {"held_urgent", held_json(view.held_urgent)},
          {"dataplane", std::move(dataplane)},
          {"alarms", alarms_json(facts)}};
}

json lists_json(const Facts& facts) {
  return {{"generation", facts.view.generation.generation}, {"lists", list_versions(facts.view)}};
}

}  // namespace sluice::service
