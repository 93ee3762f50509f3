#include "tools/sluice-authority/serve.h"

#include <utility>

#include <CLI/CLI.hpp>

#include "tools/sluice-authority/served_file.h"

namespace sluice::authority {
namespace {

std::string_view field(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string_view() : value;
}

void add(const Response& response, const char* name, const std::string& value) {
  MHD_add_response_header(response.get(), name, value.c_str());
}

/// RFC 9110 section 13.1.2: a list of tags, or "*".
bool names_tag(std::string_view list, const std::string& etag) {
  return list == "*" || list.find(etag) != std::string_view::npos;
}

MHD_Result send_file(MHD_Connection* connection, ServedFile served) {
  const bool unchanged = names_tag(field(connection, "If-None-Match"), served.etag);
  unsigned status = unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK;
  Range range{0, unchanged ? 0 : served.octets};
  const std::string_view if_range = field(connection, "If-Range");
  if (!unchanged && (if_range.empty() || if_range == served.etag)) {
    if (const auto asked = parse_range(field(connection, "Range"), served.octets)) {
      status = asked->octets == 0 ? MHD_HTTP_RANGE_NOT_SATISFIABLE : MHD_HTTP_PARTIAL_CONTENT;
      range = *asked;
    }
  }
  // The response closes the file.
  const Response response(range.octets == 0
                              ? MHD_create_response_from_buffer(0, nullptr, MHD_RESPMEM_PERSISTENT)
                              : MHD_create_response_from_fd_at_offset64(
                                    range.octets, served.file.number(), range.from));
  if (!response) return MHD_NO;
  if (range.octets != 0) served.file.release();
  const std::string octets = std::to_string(served.octets);
  if (status == MHD_HTTP_PARTIAL_CONTENT) {
    add(response, "Content-Range",
        "bytes " + std::to_string(range.from) + "-" +
            std::to_string(range.from + range.octets - 1) + "/" + octets);
  } else if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE) {
    add(response, "Content-Range", "bytes */" + octets);
  }
  add(response, "ETag", served.etag);
  add(response, "Accept-Ranges", "bytes");
  add(response, "Content-Type", std::string(served.type));
  add(response, "X-Content-Type-Options", "nosniff");
  add(response, "Cache-Control", served.lasting ? "max-age=31536000, immutable" : "no-cache");
  return MHD_queue_response(connection, status, response.get());
}

MHD_Result answer(void* repo, MHD_Connection* connection, const char* url, const char* method,
                  const char*, const char*, std::size_t*, void** seen) {
  const std::string_view asked = method;
  if (asked != MHD_HTTP_METHOD_GET && asked != MHD_HTTP_METHOD_HEAD) {
    return send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "files are read here\n",
                     {"Allow", "GET, HEAD"});
  }
  // Called once for the fields, and then again.
  static char began;
  if (std::exchange(*seen, &began) == nullptr) return MHD_YES;
  bool busy = false;
  auto served = open_served(*static_cast<const std::filesystem::path*>(repo), url, busy);
  // Not 404, which tells an appliance that there is no newer root.
  if (busy) {
    return send_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "too many ask at once\n",
                     {"Retry-After", "10"});
  }
  if (!served) return send_text(connection, MHD_HTTP_NOT_FOUND, "no such file\n");
  return send_file(connection, std::move(*served));
}

}  // namespace

void add_serve_line(CLI::App& app, ListenOptions& options) {
  CLI::App* serve = app.add_subcommand(
      "serve", "Serve what is published over HTTPS, where there is no web server for it");
  serve->add_option("--listen", options.listen, "ADDRESS:PORT")->capture_default_str();
  serve->add_option("--certificate", options.certificate, "PEM file, with its chain");
  serve->add_option("--key", options.key, "Its private key, PEM");
}

Status serve_command(const Workspace& workspace, const ListenOptions& options) {
  std::filesystem::path repo = workspace.repo();
  if (!std::filesystem::exists(workspace.metadata() / "timestamp.json")) {
    return fail("nothing is published yet", repo.string(), "sluice-authority publish");
  }
  return serve_http(options, {.answer = &answer, .with = &repo, .what = repo.string()});
}

}  // namespace sluice::authority
