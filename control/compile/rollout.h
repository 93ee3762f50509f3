// In which order appliances take a release: the top role's signed target policy/rollout.json.
//
// Rings follow one another; an appliance's place is HMAC-SHA256(salt, its id) as one big-endian
// number modulo 10,000, and a ring of P percent holds the places below 100 P, and the appliances
// that it names. An appliance waits until the rings before its own have soaked.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace sluice::compile {

inline constexpr std::string_view kRolloutFile = "policy/rollout.json";
inline constexpr std::uint64_t kPlaces = 10'000;

struct Ring {
  std::string name;
  std::uint64_t percent = 0;
  std::vector<std::string> appliances;
  std::chrono::hours soak{0};
};

struct Rollout {
  std::vector<Ring> rings;
  std::string salt;
  // Departments whose lists wait for no ring: those of the categories that are to skip them, and
  // the emergency role.
  std::set<std::string> urgent;
  std::optional<std::uint64_t> max_new_popular;  // halt_if.top1k_new_hits_gt
  std::optional<double> max_block_rate_ratio;    // halt_if.block_rate_ratio_gt
  /// Lists that the authority has halted, by department: no appliance takes that one any more, and
  /// one that runs it goes back to what it ran before. Never the emergency list: that is taken
  /// back by another one, which is everywhere within a minute.
  struct Halted {
    std::uint64_t seq = 0;
    std::string reason;
  };
  std::map<std::string, Halted> halted;
};

/// Refuses what could leave an appliance without a ring. Halt conditions that an appliance cannot
/// measure, and keys that are not known, are passed over.
[[nodiscard]] Result<Rollout> parse_rollout(std::string_view bytes, const std::string& where);

[[nodiscard]] std::uint64_t place_of(const std::string& salt, const std::string& appliance);

struct Turn {
  std::string ring;
  std::chrono::hours delay{0};  // after a release was seen
};
[[nodiscard]] Turn turn_of(const Rollout& rollout, const std::string& appliance);

}  // namespace sluice::compile
