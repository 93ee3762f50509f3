// What persons decided about the lists of this appliance: a hold, an approval, pins. Kept in one
// file, synced before anything is done about it, so that no restart undoes or forgets a decision.
//
// Thread safety: plain values; whoever shares them locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"
#include "control/tuf/time.h"

namespace sluice::service {

/// A site may stay on a generation that is not the newest for so long, and no longer: the authority
/// lists for a reason.
inline constexpr std::chrono::hours kLongestHold{72};
inline constexpr std::size_t kMaxPins = 16;

/// Who decides, where it is no person.
inline constexpr const char* kSelf = "sluice-control";

struct Decision {
  std::string who;
  std::int64_t uid = -1;  // of the process that asked, as the kernel tells it
  std::string reason;
  tuf::Time at{};
};

struct Hold : Decision {
  std::uint64_t generation = 0;  // the one that stays; 0: there is no hold
  tuf::Time until{};
  // compile::release_id() of what blocked far more than before, or was halted by the authority, if
  // that is why.
  std::string halted;
};

struct Approval : Decision {
  // compile::release_id(): the hashes of all that it consists of. Empty: nothing is approved.
  std::string release;
};

struct Pin : Decision {
  std::uint64_t generation = 0;
};

struct Decisions {
  Hold hold;
  Approval approval;
  std::vector<Pin> pins;
};

/// No file: nothing was decided. A damaged one is an error, and says what was lost.
[[nodiscard]] Result<Decisions> load_decisions(const std::filesystem::path& path);
[[nodiscard]] Status save_decisions(const std::filesystem::path& path, const Decisions& decisions);

[[nodiscard]] nlohmann::json to_json(const Hold& hold);
[[nodiscard]] nlohmann::json to_json(const Approval& approval);
[[nodiscard]] nlohmann::json to_json(const Pin& pin);

/// Who asks and why, out of a request at the socket. Both must be told.
[[nodiscard]] Result<Decision> read_decision(const nlohmann::json& request, tuf::Time now);

/// One line in the log: "rollback to generation 41, by 'li' (uid 1000): wrong list".
void audit(const std::string& what, const Decision& decision);

}  // namespace sluice::service
