// Time zones by the IANA database of the system (package tzdata).
//
// Thread safety: free functions; the database is read once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace sluice::calendar {

/// A stretch of time in which the wall's clock is the same many seconds ahead of UTC.
struct Stretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;  // not included
  std::int64_t offset = 0;
};

/// [from, until) in stretches, ascending and without gaps. Fails where the zone is unknown.
[[nodiscard]] Result<std::vector<Stretch>> stretches(const std::string& zone, std::int64_t from,
                                                     std::int64_t until);

}  // namespace sluice::calendar
