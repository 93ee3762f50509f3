// Times of the list supply chain: RFC 3339 in UTC, whole seconds, as TUF 1.0 section 4.2 writes
// them. Everything that asks for the time takes a Clock, so that tests choose it.
//
// Thread safety: free functions.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::tuf {

using Time = std::chrono::sys_seconds;
using Clock = std::function<Time()>;

[[nodiscard]] Time system_clock_now();

/// "2026-05-06T00:00:00Z"
[[nodiscard]] std::string to_text(Time time);

/// Only the form above; years 1970 to 9999.
[[nodiscard]] Result<Time> parse_time(std::string_view text);

/// Also a day, "2026-05-06": its first second.
[[nodiscard]] Result<Time> parse_time_or_day(std::string_view text);

}  // namespace sluice::tuf
