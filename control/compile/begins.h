// Orders that begin. What is listed under them is not in the generation that was made before, but
// stands in the lists that the appliance keeps: they are read once more for just those lines, and
// what has begun goes into an overlay of what runs. Emergencies begin with their list
// (emergency.h), and what ends is found in the generation itself (ends.h).
//
// Thread safety: free functions; they only read files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/compile/local.h"
#include "control/compile/orders.h"
#include "control/compile/release.h"
#include "control/compile/rules.h"

namespace sluice::compile {

/// What time has made of one list since a generation was made of it.
struct BegunList {
  std::string department;
  LocalContent content;  // what has begun, and no rule leaves out
  // Entries by how they are counted in a generation's sources, more or fewer than before.
  std::map<std::string, std::int64_t> counts;   // "pending", "entries", "expired"
  std::map<std::string, std::int64_t> dropped;  // by reason
  std::vector<std::string> told;                // dropped_text() of the first that now are
  std::vector<std::string> untold;              // and of those that were, and no longer are
};

struct Begun {
  Stretch orders;                        // of the release, as of now
  std::vector<std::string> departments;  // of the release, in its order
  std::vector<BegunList> lists;          // where there is something to tell, in that order
};

/// What a generation that told these sources lacks of what compile() of the release would give it
/// now, but for what has ended and for emergencies. nullopt: all lists have to be compiled, because
/// it is of another release, or more has begun than an overlay holds.
[[nodiscard]] Result<std::optional<Begun>> find_begun(const Release& release,
                                                      std::string_view sources_json,
                                                      const std::filesystem::path& lists_dir,
                                                      const Rules& rules, tuf::Time now);

/// Tells in a generation's sources that this was added.
void put_begun(tuf::Json& sources, const Begun& begun);

}  // namespace sluice::compile
