#include "tools/sluice-authority/http_server.h"

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
#include <netinet/in.h>
#include <optional>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/files/file.h"

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

Result<std::optional<Certificate>> load_certificate(const ListenOptions& options,
                                                    const Address& address) {
  if (options.certificate.empty() != options.key.empty()) {
    return fail("a certificate and its key go together", {}, "give both --certificate and --key");
  }
  if (options.certificate.empty()) {
    if (address.loopback) return std::optional<Certificate>();
    return fail("beyond this host there is HTTPS only", options.listen,
                "give --certificate and --key, or listen on 127.0.0.1 for a proxy that has them");
  }
  auto chain = files::read_bounded(options.certificate, kMaxPemOctets);
  if (!chain) return fail(chain.error());
  auto key = files::read_bounded(options.key, kMaxPemOctets);
  if (!key) return fail(key.error());
  return std::optional(Certificate{std::move(*chain), std::move(*key)});
}

}  // namespace

MHD_Result send_text(MHD_Connection* connection, unsigned status, std::string_view text,
                     HeaderField field, const char* type) {
  const Response response(MHD_create_response_from_buffer(
      text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY));
  MHD_add_response_header(response.get(), "Content-Type", type);
  if (field.name != nullptr) MHD_add_response_header(response.get(), field.name, field.value);
  return MHD_queue_response(connection, status, response.get());
}

void add_listen_options(CLI::App& command, ListenOptions& options) {
  command.add_option("--listen", options.listen, "ADDRESS:PORT")->capture_default_str();
  command.add_option("--certificate", options.certificate, "PEM file, with its chain");
  command.add_option("--tls-key", options.key, "Its private key, PEM");
}

Status serve_http(const ListenOptions& options, const Served& asked) {
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
      flags, address->port, nullptr, nullptr, asked.answer, asked.with,  //
      MHD_OPTION_EXTERNAL_LOGGER, &tell, &serving,                       //
      MHD_OPTION_NOTIFY_COMPLETED, asked.completed, nullptr,             //
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
  std::cout << "serving " << asked.what << " at " << (*certificate ? "https://" : "http://") << host
            << ":" << info->port << "/" << std::endl;
  int number = 0;
  sigwait(&ends, &number);
  return {};
}

}  // namespace sluice::authority
