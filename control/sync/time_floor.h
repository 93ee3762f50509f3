// The time below which no clock is believed: the latest of when this program was built and of what
// the authority, or a quorum of its log's witnesses, has signed as the present. A machine whose
// battery is flat, or whose clock somebody sets back so that yesterday's signatures count again,
// finds that it is not that early.
//
// While the system's clock is behind, time goes on from the floor as the machine measures it.
//
// Thread safety: all members may be called from any thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/tuf/time.h"

namespace sluice::sync {

class TimeFloor {
 public:
  /// `file`: where the floor is kept; it need not be there. `built`: the lowest it may be.
  TimeFloor(std::filesystem::path file, tuf::Time built, tuf::Clock system);

  /// The system's clock, or the floor and what has passed since it was known.
  [[nodiscard]] tuf::Time now() const;

  /// Somebody whom the appliance trusts has signed that it is this late: kept, synced, where that
  /// is later than what was known. Where a clock that may be right is a day behind that, nobody
  /// knows whose is wrong; it is told, and not believed: a signer's clock that once ran a year
  /// ahead would make all that is signed afterwards look expired. `source`: for a person.
  [[nodiscard]] Status raise(tuf::Time time, const std::string& source);

  struct State {
    tuf::Time system{};
    tuf::Time floor{};
    std::string source;
    std::chrono::seconds behind{0};    // of the system's clock; 0: it is believed
    std::optional<tuf::Time> doubted;  // what was signed last and not believed
  };
  [[nodiscard]] State state() const;

 private:
  using Steady = std::chrono::steady_clock;
  [[nodiscard]] tuf::Time least() const;  // with mutex_ held

  const std::filesystem::path file_;
  const tuf::Time built_;
  const tuf::Clock system_;
  mutable std::mutex mutex_;
  tuf::Time floor_;  // and all below: guarded by mutex_
  std::string source_ = "the build";
  std::optional<tuf::Time> doubted_;
  Steady::time_point since_ = Steady::now();
};

/// When this program was built, or what SOURCE_DATE_EPOCH said then.
[[nodiscard]] tuf::Time build_time();

}  // namespace sluice::sync
