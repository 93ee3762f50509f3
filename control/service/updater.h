// Keeps the current generation what the newest good release, the policy and the time ask for, save
// where a person holds another. Any failure leaves the generation that runs where it is, and is
// told.
//
// Thread safety: one thread, the worker, calls everything but view(), running(), site(), modes(),
// config() and refresh_generation(), which any thread may call. Only the worker changes what is
// configured and released, and holds building_ while it does; so it may read that without the lock,
// and others read it under the lock.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/files/file.h"
#include "config/generation/reader.h"
#include "config/schema/config.h"
#include "control/compile/compile.h"
#include "control/compile/rules.h"
#include "control/compile/what_if.h"
#include "control/service/block_rate.h"
#include "control/service/builder.h"
#include "control/service/modes.h"
#include "control/service/running.h"
#include "control/service/staging.h"
#include "control/site/site.h"
#include "control/sync/lists.h"
#include "control/sync/time_floor.h"
#include "control/tuf/time.h"

namespace sluice::service {

enum class Outcome {
  none,          // nothing was tried yet
  no_authority,  // the configuration names none
  unchanged,     // asked; nothing new
  published,     // a new release runs
  held,          // a guard holds the release for a person
  on_hold,       // a person holds the generation that runs; the new release waits
  failed,        // the release or the way to it is bad
  interrupted,   // something else was asked for; the download goes on with the next pull
};
[[nodiscard]] std::string_view text(Outcome outcome);

/// A release that waits for a person to approve just it.
struct HeldRelease {
  std::string release;  // compile::release_id()
  std::uint64_t snapshot = 0;
  std::vector<std::string> reasons;
};

struct View {
  generation::Header generation;            // of the current one; generation 0: there is none
  std::optional<compile::Release> release;  // what the lists in use are from
  Outcome outcome = Outcome::none;          // of the last pull
  std::optional<tuf::Time> pulled;          // when
  std::optional<Error> pull_error;
  std::optional<Error> not_logged;       // the release has no good proof of the log
  std::optional<tuf::Time> witnessed;    // when the log's witnesses cosigned its newest release
  std::optional<Error> build_error;      // why the current generation is not the one to be
  std::optional<tuf::Time> fresh_until;  // expiry of the newest timestamp seen
  std::optional<tuf::Time> next_change;  // when an order begins or ends
  std::optional<tuf::Time> last_change;  // when one did, by the clock of then
  std::optional<tuf::Time> next_policy;  // when schedules are to be worked out further
  std::optional<HeldRelease> held_release;
  // The urgent lists of the newest release with what is in use of all others, where a guard holds
  // just that; approved by its own id.
  std::optional<HeldRelease> held_urgent;
  // Entries that the signed rules left out: the first ones, and how many there are.
  std::vector<std::string> dropped;
  std::uint64_t dropped_count = 0;
  std::optional<Hold> hold;  // in force now
  StagingView staging;
  std::optional<compile::WhatIf> what_if;  // of the newest release that was compiled
};

/// With a tenth of jitter, and time to fetch, compile and swap, less than a minute.
inline constexpr std::chrono::seconds kEmergencyPoll{45};

class Updater {
 public:
  /// `stop`, once true, ends downloads; it must outlive the updater.
  /// `built`: when the program was, below which no clock is believed.
  Updater(schema::Config config, tuf::Clock clock, const std::atomic<bool>& stop,
          OnActivated on_activated, tuf::Time built = {});

  /// After a start: repairs what a crash left behind, and offers the current generation.
  [[nodiscard]] Status recover();

  /// Asked now and then while a pull downloads: once it says true, the pull ends, and what has come
  /// stays. To be said before the first pull.
  void interrupt_when(std::function<bool()> asked) { interrupt_ = std::move(asked); }

  void set_config(schema::Config config);

  /// How long to wait until the next pull: what the configuration says, and no longer than lets an
  /// emergency list be here within a minute where the authority has a role for such.
  [[nodiscard]] std::chrono::seconds poll_period() const;

  /// Asks the authority, and publishes what is new.
  Outcome pull();
  /// The same of a repository that was carried here as one file: see files::unpack_tar().
  Outcome import_bundle(const std::filesystem::path& file);

  /// Makes a generation again where policy, release, the site's own lists or time ask for it. Call
  /// it after recover(), set_config(), a change of the site's lists or of modes, the end of a hold,
  /// and when View::next_change or next_policy has come. Fails, to be called again, where another
  /// generation is made for longer than `patience`.
  Status refresh_generation(std::chrono::milliseconds patience = std::chrono::hours(1));

  /// The same after a subscription was asked for, on the thread that did it.
  void take_subscriptions();

  // By whoever calls pull().
  /// Whether the authority has releases watched for what they block.
  [[nodiscard]] bool watches_block_rate() const {
    return rollout_ && rollout_->max_block_rate_ratio.has_value();
  }
  /// What a pull has brought into force that has to be watched; once.
  [[nodiscard]] std::optional<BlockRate::Watched> take_watched() {
    return std::exchange(watched_, std::nullopt);
  }
  /// Goes back to what ran before that, until the authority publishes something else, for 72 h or
  /// until a person resumes.
  void halt(const BlockRate::Halt& halt);

  [[nodiscard]] View view() const;
  /// The time as far as it is known: see sync::TimeFloor.
  [[nodiscard]] const sync::TimeFloor& time() const { return floor_; }
  [[nodiscard]] Running& running() { return running_; }
  [[nodiscard]] site::Site& site() { return site_; }
  [[nodiscard]] const site::Site& site() const { return site_; }
  [[nodiscard]] Modes& modes() { return modes_; }
  [[nodiscard]] const Modes& modes() const { return modes_; }
  /// The one in use.
  [[nodiscard]] std::shared_ptr<const schema::Config> config() const;

 private:
  /// Of one pull's downloads, for a newer release: once for each, and not for ever.
  struct Interruptions {
    unsigned left = 3;
    std::uint64_t snapshot = 0;  // of the one that was the reason last
  };
  /// `emergency`: of the emergency list alone, upon what a person or a halt went back to.
  enum class Kind : std::uint8_t { usual, urgent, emergency };
  [[nodiscard]] Outcome pull_release(std::optional<Error>& error);
  [[nodiscard]] Outcome pull_from(sync::Fetcher& fetcher, bool staged, std::optional<Error>& error);
  [[nodiscard]] Result<std::optional<compile::Rollout>> read_rollout(
      sync::Fetcher& fetcher, const compile::Release& release);
  [[nodiscard]] Status stage(compile::Release& release, bool by_rings);
  [[nodiscard]] Status check_left_out(const compile::Release& release,
                                      const std::vector<Waiting>& left_out) const;
  void obey_halts();
  void go_back_from_halted(
      const std::function<bool(const std::string& department, std::uint64_t seq)>& is_halted,
      const std::string& reason);
  /// Why it failed; nothing where it did not, or a guard holds it.
  std::optional<Error> take_urgent(sync::Fetcher& fetcher, const compile::Release& release);
  [[nodiscard]] bool changes_others(const compile::Release& release) const;
  [[nodiscard]] bool changes_what_was_halted(const compile::Release& release) const;
  [[nodiscard]] bool is_urgent(const std::string& department) const;
  [[nodiscard]] std::function<bool()> newer_is_there();
  [[nodiscard]] std::vector<Error> check_here(const generation::Generation& made,
                                              const compile::Rules& rules);
  void ask_what_passed(const generation::Generation& made, compile::WhatIf& found) const;
  Outcome tell_outcome(Outcome outcome, const std::optional<Error>& error);
  [[nodiscard]] Outcome pull_bundle(const std::filesystem::path& file, std::optional<Error>& error);
  [[nodiscard]] Outcome keep_release(const compile::Release& release, std::optional<Error>& error);
  [[nodiscard]] Outcome take_new(sync::Fetcher& fetcher, compile::Release& release,
                                 std::optional<Error>& error, Kind kind = Kind::usual);
  /// `made_of`: the generation that ran when it was made.
  [[nodiscard]] Status take_release(const compile::Release& release, const Running::Shared& made,
                                    std::uint64_t made_of, Kind kind);
  [[nodiscard]] std::vector<Error> check_made(const generation::Generation& made,
                                              const generation::Generation* current,
                                              const compile::Rules& rules, Kind kind);
  [[nodiscard]] bool waits_already(const compile::Release& release) const;
  [[nodiscard]] std::optional<Error> hold_for_person(const compile::Release& release,
                                                     const std::vector<Error>& reasons);
  /// config_ with what the release holds of layers. Fails where their file is lost or damaged:
  /// without them no generation may be made.
  [[nodiscard]] Result<schema::Config> layered_config(const compile::Release* release) const;
  /// The same, as of now.
  [[nodiscard]] Result<std::string> policy_json(const compile::Release* release) const;
  void mend_layers(sync::Fetcher& fetcher);
  void mend_emergency(sync::Fetcher& fetcher);
  [[nodiscard]] const compile::Release* released() const { return release_ ? &*release_ : nullptr; }
  [[nodiscard]] bool is_stale() const;
  [[nodiscard]] bool runs_release() const;
  /// A person, or a halt, has it run another than the newest release that was taken.
  [[nodiscard]] bool went_back() const { return release_ && running_.held() && !runs_release(); }
  /// Whether what runs has of the emergency list what applies now.
  [[nodiscard]] bool emergencies_are_right() const;
  [[nodiscard]] bool lists_are_right() const;
  /// When the next order ends of those that this generation, the current one, has names of.
  [[nodiscard]] std::optional<tuf::Time> next_end(const generation::Generation& current) const;
  [[nodiscard]] bool has_ended(const generation::Generation& current) const;
  /// How a generation is made: as release, time and holds ask for it; of the one that runs with the
  /// release's emergencies; of the one that runs, without what has ended and of no list at all.
  enum class Made : std::uint8_t { as_due, upon_what_runs, without_what_ended };
  [[nodiscard]] Result<Running::Shared> build(const compile::Release* release,
                                              std::vector<sync::Brought> brought, Made made);
  [[nodiscard]] Status put_in_place(const Running::Shared& made,
                                    const generation::Generation& current);
  [[nodiscard]] Status make_again();
  void load_release();
  void load_freshness();
  void set_release(const compile::Release& release);
  void drop_unused_files(const compile::Release* also) const;
  [[nodiscard]] std::filesystem::path lists_dir() const { return config_.state_dir / "lists"; }
  [[nodiscard]] std::filesystem::path trust_dir() const { return config_.state_dir / "trust"; }
  [[nodiscard]] std::filesystem::path bundle_dir() const { return config_.state_dir / "bundle"; }
  void update_view(const std::function<void(View&)>& change);

  schema::Config config_;
  sync::TimeFloor floor_;
  tuf::Clock clock_;  // floor_'s
  const std::atomic<bool>& stop_;
  std::function<bool()> interrupt_ = [] { return false; };
  site::Site site_;
  Modes modes_;
  Running running_;
  mutable std::timed_mutex building_;  // held from the choice of a number until that one runs
  std::optional<compile::Release> release_;
  std::optional<compile::Release> wanted_;  // the newest seen: what has come of its files stays
  sync::Validators validators_;
  Staging staging_;
  std::string appliance_;                    // by which rings know it
  std::optional<compile::Rollout> rollout_;  // of the newest release seen
  bool may_have_emergencies_ = false;  // by the newest verified release, whether it runs or not
  std::optional<BlockRate::Watched> watched_;
  Interruptions interruptions_;
  std::optional<Error> held_error_;  // of the release that waits for a person
  mutable std::mutex mutex_;
  View view_;  // guarded by mutex_
  struct NextEnd {
    std::string digest;  // of the generation that it is of
    std::optional<tuf::Time> at;
  };
  mutable NextEnd next_end_;                           // guarded by mutex_
  std::shared_ptr<const schema::Config> told_config_;  // config_; guarded by mutex_
};

}  // namespace sluice::service
