// Whether the days of an iCalendar event can be followed by libical, which leaves out in silence
// what it does not know, and has some of its own ways.
//
// Thread safety: one thread.
#pragma once

#include <libical/ical.h>
#include <string>

#include "config/base/result.h"

namespace sluice::ctl {

/// Fails where days would be missing or wrong; `where`: the event's place in its file. May write a
/// rule in another way that means the same.
[[nodiscard]] Status check_event(icalcomponent* event, const std::string& where);

}  // namespace sluice::ctl
