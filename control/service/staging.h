// Which lists of a release wait for this appliance's ring. What waits is told by what was seen
// first: a newer list waits as long again, but no list waits for ever because newer ones keep
// coming.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "control/compile/release.h"
#include "control/compile/rollout.h"

namespace sluice::service {

struct Waiting {
  std::string department;
  std::uint64_t seq = 0;
  tuf::Time seen{};
  tuf::Time due{};
  bool halted = false;  // by the authority: then it is due at no time
  std::string reason;
};

/// For a person: where this appliance stands.
struct StagingView {
  std::string appliance;
  std::uint64_t place = 0;
  compile::Turn turn;  // no ring: nothing is signed about rings
  std::vector<Waiting> waiting;
};

class Staging {
 public:
  /// `file`: where it is kept. What cannot be read is seen anew.
  explicit Staging(std::filesystem::path file);

  /// Puts the lists in use in the stead of those that wait, and leaves out those that wait where
  /// none is in use; tells which do. `delay`: after a list was seen; of urgent ones there is none.
  [[nodiscard]] std::vector<Waiting> hold_back(compile::Release& next,
                                               const compile::Release& in_use,
                                               const compile::Rollout& rollout,
                                               std::chrono::hours delay, tuf::Time now);

  /// Which lists, by department, were gone back from because the authority has halted them: each
  /// once, so that a person may let it go on.
  using Obeyed = std::map<std::string, std::uint64_t>;
  [[nodiscard]] const Obeyed& obeyed() const { return obeyed_; }
  void set_obeyed(Obeyed obeyed);

 private:
  struct Seen {
    std::string content;  // of the list that waits
    tuf::Time seen{};     // when it was first
    tuf::Time since{};    // when the first of those that it is the newest of was
  };
  void load();
  void save();

  const std::filesystem::path file_;
  std::map<std::string, Seen> seen_;  // by department
  Obeyed obeyed_;
};

/// The id that the configuration gives, or one that is made once and kept in `file`.
[[nodiscard]] Result<std::string> appliance_id(const std::string& configured,
                                               const std::filesystem::path& file);

}  // namespace sluice::service
