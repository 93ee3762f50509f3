#include "tools/sluice-authority/serve.h"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <microhttpd.h>
#include <netinet/in.h>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/files/file.h"
#include "tools/sluice-authority/served_file.h"

namespace sluice::authority {
namespace {

constexpr std::size_t kMaxPemOctets = 1 << 20;
constexpr unsigned kMaxConnections = 1000;
constexpr unsigned kMaxConnectionsOfAddress = 50;  // a school's appliances may share one
constexpr unsigned kIdleSeconds = 30;
/// GnuTLS's own choice, but for the versions that RFC 8996 retired.
constexpr const char* kTls = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct Stop {
  void operator()(MHD_Daemon* daemon) const { MHD_stop_daemon(daemon); }
};
struct Destroy {
  void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
};
using Response = std::unique_ptr<MHD_Response, Destroy>;

struct Address {
  sockaddr_storage storage{};
  std::uint16_t port = 0;
  bool ipv6 = false;
  bool loopback = false;
};

/// "192.0.2.1:443", "[2001:db8::1]:443", "[::]:8080"
Result<Address> parse_address(const std::string& text) {
  const auto bad = [&] {
    return fail("no address and port to listen on", text, "write ADDRESS:PORT or [ADDRESS]:PORT");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad();
  Address out;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (error != std::errc() || at != end) return bad();
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    auto* const in6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(out.port);
    out.ipv6 = true;
    if (inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) != 1) return bad();
    out.loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    return out;
  }
  auto* const in4 = reinterpret_cast<sockaddr_in*>(&out.storage);
  in4->sin_family = AF_INET;
  in4->sin_port = htons(out.port);
  if (inet_pton(AF_INET, host.c_str(), &in4->sin_addr) != 1) return bad();
  out.loopback = ntohl(in4->sin_addr.s_addr) >> 24 == 127;
  return out;
}

std::string_view field(MHD_Connection* connection, const char* name) {
  const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value == nullptr ? std::string_view() : value;
}

void add(const Response& response, const char* name, const std::string& value) {
  MHD_add_response_header(response.get(), name, value.c_str());
}

struct Field {
  const char* name = nullptr;
  const char* value = nullptr;
};

MHD_Result send_text(MHD_Connection* connection, unsigned status, std::string_view text,
                     Field field = {}) {
  const Response response(MHD_create_response_from_buffer(
      text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY));
  add(response, "Content-Type", "text/plain");
  if (field.name != nullptr) add(response, field.name, field.value);
  return MHD_queue_response(connection, status, response.get());
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

/// Why it does not start. Later, every peer that breaks off or asks for too much would be a line.
[[gnu::format(printf, 2, 0)]] void tell(void* serving, const char* format, std::va_list arguments) {
  if (!*static_cast<const std::atomic<bool>*>(serving)) std::vfprintf(stderr, format, arguments);
}

/// Each connection has two, its own and its file's: shells and systemd begin with 1024.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 4 * kMaxConnections));
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

struct Certificate {
  std::string chain;
  std::string key;
};

Result<std::optional<Certificate>> load_certificate(const ServeOptions& options,
                                                    const Address& address) {
  if (options.certificate.empty() != options.key.empty()) {
    return fail("a certificate and its key go together", {}, "give both --certificate and --key");
  }
  if (options.certificate.empty()) {
    if (address.loopback) return std::optional<Certificate>();
    return fail("appliances ask over HTTPS only", options.listen,
                "give --certificate and --key, or listen on 127.0.0.1 for a proxy that has them");
  }
  auto chain = files::read_bounded(options.certificate, kMaxPemOctets);
  if (!chain) return fail(chain.error());
  auto key = files::read_bounded(options.key, kMaxPemOctets);
  if (!key) return fail(key.error());
  return std::optional(Certificate{std::move(*chain), std::move(*key)});
}

}  // namespace

void add_serve_line(CLI::App& app, ServeOptions& options) {
  CLI::App* serve = app.add_subcommand(
      "serve", "Serve what is published over HTTPS, where there is no web server for it");
  serve->add_option("--listen", options.listen, "ADDRESS:PORT")->capture_default_str();
  serve->add_option("--certificate", options.certificate, "PEM file, with its chain");
  serve->add_option("--key", options.key, "Its private key, PEM");
}

Status serve_command(const Workspace& workspace, const ServeOptions& options) {
  std::filesystem::path repo = workspace.repo();
  if (!std::filesystem::exists(workspace.metadata() / "timestamp.json")) {
    return fail("nothing is published yet", repo.string(), "sluice-authority publish");
  }
  const auto address = parse_address(options.listen);
  if (!address) return fail(address.error());
  auto certificate = load_certificate(options, *address);
  if (!certificate) return fail(certificate.error());

  // Threads that begin from here on leave them to this one.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  allow_descriptors();

  unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG;
  if (address->ipv6) flags |= MHD_USE_IPv6;
  std::atomic<bool> serving{false};
  std::vector<MHD_OptionItem> more;
  const auto give = [&more](MHD_OPTION option, std::string& text) {
    more.push_back({option, 0, text.data()});
  };
  std::string tls = kTls;
  if (*certificate) {
    flags |= MHD_USE_TLS;
    give(MHD_OPTION_HTTPS_MEM_CERT, (*certificate)->chain);
    give(MHD_OPTION_HTTPS_MEM_KEY, (*certificate)->key);
    give(MHD_OPTION_HTTPS_PRIORITIES, tls);
  }
  more.push_back({MHD_OPTION_END, 0, nullptr});
  const std::unique_ptr<MHD_Daemon, Stop> daemon(MHD_start_daemon(
      flags, address->port, nullptr, nullptr, &answer, &repo,  //
      MHD_OPTION_EXTERNAL_LOGGER, &tell, &serving,             //
      MHD_OPTION_SOCK_ADDR, reinterpret_cast<const sockaddr*>(&address->storage),
      MHD_OPTION_THREAD_POOL_SIZE, std::max(2U, std::thread::hardware_concurrency()),
      MHD_OPTION_CONNECTION_LIMIT, kMaxConnections,                  //
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, kMaxConnectionsOfAddress,  //
      MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds,                   //
      MHD_OPTION_ARRAY, more.data(), MHD_OPTION_END));
  if (!daemon) {
    return fail("cannot serve: " + std::string(std::strerror(errno)), options.listen,
                "see the line above; is the port in use, do certificate and key fit?");
  }
  serving = true;
  const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon.get(), MHD_DAEMON_INFO_BIND_PORT);
  const std::string host = options.listen.substr(0, options.listen.rfind(':'));
  std::cout << "serving " << repo.string() << " at " << (*certificate ? "https://" : "http://")
            << host << ":" << info->port << "/" << std::endl;
  int number = 0;
  sigwait(&ends, &number);
  return {};
}

}  // namespace sluice::authority
