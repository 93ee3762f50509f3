// Orders that end. When each does stands in the provenance rows of every generation that lists a
// name under it, so that what has ended can be taken out of whatever runs, by an overlay and
// without any list: of the newest release, of what a person holds or went back to, and where the
// lists are lost. Emergencies end with their list (emergency.h), a site's own entries with theirs
// (local.h).
//
// Thread safety: free functions on the caller's data; they only read files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "control/compile/release.h"

namespace sluice::compile {

/// When the next of the orders ends that a generation lists names under, past where it has ended
/// already and those are still there. Reads all rows, and no entry.
[[nodiscard]] Result<std::optional<tuf::Time>> next_end(const generation::Generation& of);

struct Ended {
  std::vector<bool> rows;                        // of provenance, by id
  tuf::Time until{};                             // when the last of them ended
  std::map<std::string, std::uint64_t> entries;  // by department
  std::vector<std::string> keys;                 // that have such an entry, ascending
  bool too_many = false;                         // for an overlay; then there are no keys
};

/// What has ended and is still there; reads every entry, unless there is none.
[[nodiscard]] Result<std::optional<Ended>> find_ended(const generation::Generation& of,
                                                      tuf::Time now);

/// Tells in a generation's sources that this was taken out.
void put_ended(tuf::Json& sources, const Ended& ended);

}  // namespace sluice::compile
