// Serves the published repository over HTTP or HTTPS, for an authority without a web server: GET
// and HEAD, conditional requests and ranges (RFC 9110). It reads files and nothing else, and keeps
// no record of who asked.
//
// Thread safety: run from the main thread of a process that does nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "config/base/result.h"
#include "tools/sluice-authority/workspace.h"

namespace CLI {
class App;
}

namespace sluice::authority {

struct ServeOptions {
  std::string listen = "127.0.0.1:8080";
  std::filesystem::path certificate;  // PEM, with its chain; both or neither
  std::filesystem::path key;
};

void add_serve_line(CLI::App& app, ServeOptions& options);

/// Until SIGINT or SIGTERM.
Status serve_command(const Workspace& workspace, const ServeOptions& options);

}  // namespace sluice::authority
