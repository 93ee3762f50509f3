// policy/rollout.json: in which order appliances take a release. Ring by ring: an appliance's place
// is HMAC-SHA256(salt, appliance id) modulo 10,000, and a ring of P percent takes those below 100
// P; the first ring names its appliances. docs/LISTS.md.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/rollout.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

using compile::kRolloutFile;
inline constexpr std::uint64_t kMaxRolloutOctets = 65'536;

struct Ring {
  std::string name;
  std::uint64_t percent = 0;
  std::vector<std::string> appliances;
  std::uint64_t soak_hours = 0;
};

struct Rollout {
  std::vector<Ring> rings;
  std::string salt;
  std::vector<std::string> skip_for;  // categories that wait for no ring
  // Halt conditions, as text so that nothing is lost of them; empty: none.
  std::string block_rate_ratio_gt;
  std::string top1k_new_hits_gt;
  std::string appeals_per_100_gw_gt;
  std::map<std::string, compile::Rollout::Halted> halted;  // by department
};

struct RolloutOptions {
  std::vector<std::string> lab;    // appliances of the first ring
  std::vector<std::string> rings;  // "canary:1:6", name, percent, hours; empty: as by default
  std::string salt;                // empty: one by chance
  std::vector<std::string> skip_for;
  std::string block_rate_ratio = "1.5";
  std::string top1k_new_hits = "0";
  std::string appeals = "3";
  std::string appliance;  // whose ring is asked
  // Of a halt.
  std::string department;
  std::uint64_t seq = 0;  // 0: the published one
  std::string reason;
  bool lift = false;
};

/// Refuses rings that leave appliances out or that do not grow, and what is no category.
[[nodiscard]] Result<Rollout> parse_rollout(std::string_view bytes, const std::string& where);
[[nodiscard]] const Ring& ring_of(const Rollout& rollout, const std::string& appliance);

/// Writes DIR/policy/rollout.json, to be signed with the other rules.
Status rollout_set_command(const Workspace& workspace, const RolloutOptions& options);
/// Halts a department's published list, or lifts that, in the same file.
Status rollout_halt_command(const Workspace& workspace, const RolloutOptions& options);
/// Tells the rings, or in which of them an appliance is.
Status rollout_show_command(const Workspace& workspace, const RolloutOptions& options);

}  // namespace sluice::authority
