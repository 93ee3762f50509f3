// One line an event on standard error, "level what: detail", for the journal. No client's address
// and no name that a client asked for ever reaches it.
//
// Thread safety: log() may be called from any thread; lines never mix.
#pragma once

#include <string_view>

namespace sluice::service {

enum class Level { info, warning, error };

/// Control characters in `detail` are replaced: it may quote what a mirror sent.
void log(Level level, std::string_view what, std::string_view detail);

}  // namespace sluice::service
