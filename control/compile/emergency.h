// The emergency list counts on whatever generation runs: on one that a person went back to, or
// holds, as on the newest. It is so short that each generation tells in its sources what it has of
// it, so that another list, or the same at a later time, can take its place without any list that
// the rest was compiled of.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/compile.h"
#include "control/compile/local.h"
#include "control/compile/release.h"
#include "control/compile/rules.h"

namespace sluice::compile {

struct Emergency {
  std::string id;        // emergency_id() of the release
  LocalContent content;  // what applies now, and no rule leaves out
  Stretch orders;
  std::vector<std::string> told;  // dropped_text() of the first that a rule leaves out
  tuf::Json list;                 // its row in a generation's sources; null: there is none
};

/// Says which list it is, whatever applies of it; empty where the release has none.
[[nodiscard]] std::string emergency_id(const Release& release);

/// Refuses what compile() would refuse of this list.
[[nodiscard]] Result<Emergency> read_emergency(const Release& release,
                                               const std::filesystem::path& lists_dir,
                                               const Rules& rules, tuf::Time now);

/// Tells of it in a generation's sources, in the stead of what they told before.
void put_emergency(tuf::Json& sources, const Emergency& emergency);

}  // namespace sluice::compile
