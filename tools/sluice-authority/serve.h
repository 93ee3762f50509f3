// Serves the published repository over HTTP or HTTPS, for an authority without a web server: GET
// and HEAD, conditional requests and ranges (RFC 9110). It reads files and nothing else, and keeps
// no record of who asked.
//
// Thread safety: run from the main thread of a process that does nothing else.
#pragma once

#include "config/base/result.h"
#include "tools/sluice-authority/http_server.h"
#include "tools/sluice-authority/workspace.h"

namespace CLI {
class App;
}

namespace sluice::authority {

void add_serve_line(CLI::App& app, ListenOptions& options);

/// Until SIGINT or SIGTERM.
Status serve_command(const Workspace& workspace, const ListenOptions& options);

}  // namespace sluice::authority
