// The generation that runs, and what persons decided about it. A person's word counts at once,
// whatever the updater is at: it is told by the lock, when it has a new generation, that there is a
// hold now.
//
// Thread safety: all members may be called from any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "config/generation/reader.h"
#include "control/publish/store.h"
#include "control/service/decisions.h"

namespace sluice::service {

using OnActivated = std::function<void(std::uint64_t number, const std::filesystem::path&)>;

class Running {
 public:
  using Shared = std::shared_ptr<const generation::Generation>;

  /// `decisions`: the file that they are kept in.
  Running(std::filesystem::path folder, std::uint32_t keep, std::filesystem::path decisions,
          tuf::Clock clock, OnActivated on_activated);

  /// After a start: repairs what a crash left behind, ends a rollback that it cut short, and offers
  /// the current generation.
  [[nodiscard]] Status recover();
  void set_keep(std::uint32_t keep);

  [[nodiscard]] Shared current() const;
  /// Where the next generation is to be written.
  struct Place {
    std::uint64_t number = 0;
    std::filesystem::path path;
  };
  [[nodiscard]] Place next_place() const;

  /// Verifies a finished generation; one that is bad is removed.
  [[nodiscard]] Result<Shared> verify(std::uint64_t number) const;
  void discard(std::uint64_t number) const;

  /// Switches to a verified generation that was made of a release, unless there is a hold.
  [[nodiscard]] Status activate(const Shared& generation);
  /// The same of one that was made of the generation that runs, and lists what that lists; with a
  /// hold, it is held in the other's stead. Refused where another runs by now.
  [[nodiscard]] Status replace(const Shared& generation, std::uint64_t made_of);

  // What persons decide. Each is on the disk before it is done, and in the log after it.
  /// Stays on the generation that runs.
  [[nodiscard]] Status hold(const Decision& decision, std::chrono::hours hours);
  /// Goes to a generation that is kept, 0: the newest before the current one, and stays there.
  /// `halted`: the release that has to end, where no person decides it.
  [[nodiscard]] Status roll_back(std::uint64_t number, const Decision& decision,
                                 std::chrono::hours hours, const std::string& halted = {});
  /// Ends a hold before its time.
  [[nodiscard]] Status resume(const Decision& decision);
  [[nodiscard]] Status approve(const std::string& release, const Decision& decision);
  /// A pinned generation is kept, however old, until it is unpinned.
  [[nodiscard]] Status pin(std::uint64_t number, const Decision& decision);
  [[nodiscard]] Status unpin(std::uint64_t number, const Decision& decision);

  /// True once, when a hold has come to its end, which needs nobody's word.
  [[nodiscard]] bool hold_has_ended();
  /// The hold that is in force now.
  [[nodiscard]] std::optional<Hold> held() const;
  [[nodiscard]] bool is_approved(const std::string& release) const;
  [[nodiscard]] Decisions decisions() const;
  [[nodiscard]] std::vector<std::uint64_t> kept() const;  // descending

 private:
  [[nodiscard]] std::optional<Hold> held_now() const;
  [[nodiscard]] Status decide(Decisions decisions);
  [[nodiscard]] Status switch_to(const Shared& generation);
  [[nodiscard]] Status finish_rollback();
  void prune() const;

  const std::filesystem::path file_;
  const tuf::Clock clock_;
  const OnActivated on_activated_;
  mutable std::mutex mutex_;
  publish::Store store_;  // and all below: guarded by mutex_
  Decisions decisions_;
  Shared current_;
};

}  // namespace sluice::service
