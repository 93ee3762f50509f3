// `sluice-authority log serve-witness`: a witness that logs ask over HTTP.
//
// Thread safety: run from the main thread of a process that does nothing else.
#pragma once

#include "tools/sluice-authority/http_server.h"
#include "tools/sluice-authority/log_commands.h"

namespace sluice::authority {

/// Until SIGINT or SIGTERM.
Status witness_serve_command(const LogOptions& options, const ListenOptions& listen);

}  // namespace sluice::authority
