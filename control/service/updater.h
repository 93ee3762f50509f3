// Keeps the current generation what the newest good release, the policy and the time ask for. Any
// failure leaves the generation that runs where it is, and is told.
//
// Thread safety: one thread calls everything but view(), which any thread may call.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/generation/reader.h"
#include "config/schema/config.h"
#include "control/compile/compile.h"
#include "control/publish/store.h"
#include "control/sync/lists.h"
#include "control/tuf/time.h"

namespace sluice::service {

enum class Outcome {
  none,          // nothing was tried yet
  no_authority,  // the configuration names none
  unchanged,     // asked; nothing new
  published,     // a new release runs
  held,          // a guard holds the release for a person
  failed,        // the release or the way to it is bad
};
[[nodiscard]] std::string_view text(Outcome outcome);

struct View {
  generation::Header generation;            // of the current one; generation 0: there is none
  std::optional<compile::Release> release;  // what the lists in use are from
  Outcome outcome = Outcome::none;          // of the last pull
  std::optional<tuf::Time> pulled;          // when
  std::optional<Error> pull_error;
  std::optional<Error> build_error;      // why the current generation is not the one to be
  std::optional<tuf::Time> fresh_until;  // expiry of the newest timestamp seen
  std::optional<tuf::Time> next_change;  // when an order begins or ends
};

class Updater {
 public:
  using OnActivated = std::function<void(std::uint64_t number, const std::filesystem::path&)>;

  /// `stop`, once true, ends downloads; it must outlive the updater.
  Updater(schema::Config config, tuf::Clock clock, const std::atomic<bool>& stop,
          OnActivated on_activated);

  /// After a start: repairs what a crash left behind, and offers the current generation.
  [[nodiscard]] Status recover();

  void set_config(schema::Config config);

  /// Asks the authority, and publishes what is new.
  Outcome pull();

  /// Compiles again where policy, release or time ask for it. Call it after recover(), set_config()
  /// and when View::next_change has come.
  Status refresh_generation();

  [[nodiscard]] View view() const;

 private:
  [[nodiscard]] Outcome pull_release(std::optional<Error>& error);
  [[nodiscard]] Status take_release(const compile::Release& release,
                                    std::vector<sync::Brought> brought);
  [[nodiscard]] bool is_stale() const;
  [[nodiscard]] Result<std::uint64_t> build(const compile::Release* release,
                                            std::vector<sync::Brought> brought);
  [[nodiscard]] Status activate(std::uint64_t number);
  void load_release();
  void drop_unused_files(const compile::Release* also) const;
  [[nodiscard]] std::filesystem::path lists_dir() const { return config_.state_dir / "lists"; }
  [[nodiscard]] std::filesystem::path trust_dir() const { return config_.state_dir / "trust"; }
  void update_view(const std::function<void(View&)>& change);

  schema::Config config_;
  tuf::Clock clock_;
  const std::atomic<bool>& stop_;
  OnActivated on_activated_;
  publish::Store store_;
  std::shared_ptr<const generation::Generation> current_;
  std::optional<compile::Release> release_;
  mutable std::mutex mutex_;
  View view_;  // guarded by mutex_
};

}  // namespace sluice::service
