// A small server of HTTP or HTTPS, in the frame of which files are served and checkpoints cosigned.
//
// Thread safety: serve_http() on the main thread of a process that does nothing else; what answers
// is called on many.
#pragma once

#include <memory>
#include <microhttpd.h>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "tools/sluice-authority/listen_options.h"

namespace CLI {
class App;
}

namespace sluice::authority {

/// --listen, --certificate and --tls-key.
void add_listen_options(CLI::App& command, ListenOptions& options);

struct Destroy {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, Destroy>;

struct HeaderField {
  const char* name = nullptr;
  const char* value = nullptr;
};

MHD_Result send_text(MHD_Connection* connection, unsigned status, std::string_view text,
                     HeaderField field = {}, const char* type = "text/plain");

struct Served {
  MHD_AccessHandlerCallback answer;
  void* with = nullptr;  // its first argument
  MHD_RequestCompletedCallback completed = nullptr;
  std::string what;  // for the line that tells of the start
};

/// Until SIGINT or SIGTERM.
Status serve_http(const ListenOptions& options, const Served& asked);

}  // namespace sluice::authority
