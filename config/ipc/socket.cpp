#include "config/ipc/socket.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <list>
#include <optional>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "config/base/json.h"

namespace sluice::ipc {
namespace {

// A request is a command with a path; a reply may hold a table of counters.
constexpr std::size_t kMaxRequest = 20 * 1024 * 1024;  // holds a configuration
constexpr std::size_t kMaxReply = 64 * 1024 * 1024;
constexpr std::size_t kMaxConnections = 32;

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string errno_text() { return std::strerror(errno); }

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    return fail("the path of a socket is at most 107 octets", text, "choose a shorter run_dir");
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// The peer's user, if it may talk: root and this process's own user; the group is kept by the
// socket file's mode.
std::optional<uid_t> trusted_peer(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  const bool trusted = peer.uid == 0 || peer.uid == geteuid() || peer.gid == getegid();
  return trusted ? std::optional(peer.uid) : std::nullopt;
}

/// An answer that is being worked out; `wake` becomes readable once it is there.
class Pending {
 public:
  Pending(int wake, std::function<std::string()> answer)
      : thread_([this, wake, answer = std::move(answer)] {
          reply_ = answer();
          done_ = true;
          (void)eventfd_write(wake, 1);
        }) {}
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() { thread_.join(); }

  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] const std::string& reply() const { return reply_; }  // once done

 private:
  std::string reply_;
  std::atomic<bool> done_{false};
  std::thread thread_;  // the last, so that it sees the rest whole
};

struct Connection {
  Socket socket;
  std::string in;
  std::string out;
  bool closing = false;
  uid_t uid = 0;
  std::unique_ptr<Pending> pending;
};

}  // namespace

nlohmann::json ok(nlohmann::json fields) {
  fields["ok"] = true;
  return fields;
}

nlohmann::json error(const Error& error) {
  return {{"ok", false},
          {"error", {{"what", error.what}, {"where", error.where}, {"advice", error.advice}}}};
}

struct Server::State {
  std::filesystem::path path;
  Handler handler;
  Waits waits;
  Socket listener;
  Socket wake;
  std::list<Connection> connections;
  ino_t inode = 0;

  ~State() {
    // Only what is still ours: a successor may have bound the same path.
    struct stat info {};
    if (stat(path.c_str(), &info) == 0 && info.st_ino == inode) unlink(path.c_str());
  }

  void accept_all() {
    for (;;) {
      Socket socket(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.get() < 0) return;
      const auto uid = trusted_peer(socket.get());
      if (connections.size() >= kMaxConnections || !uid) continue;
      connections.push_back({std::move(socket), {}, {}, false, *uid, {}});
    }
  }

  void answer(Connection& connection, std::string_view line) const {
    auto request = parse_json(line);
    if (!request.is_object()) {
      const auto reply = error({"a request is one JSON object a line", "", ""});
      connection.out += lenient_json_text(reply) + "\n";
      return;
    }
    request["peer_uid"] = connection.uid;
    if (auto later = waits ? waits(request) : Later()) {
      connection.pending = std::make_unique<Pending>(
          wake.get(), [later = std::move(later)] { return lenient_json_text(later()) + "\n"; });
    } else {
      connection.out += lenient_json_text(handler(request)) + "\n";
    }
  }

  /// What has come whole, up to a request whose answer has to be waited for.
  void answer_all(Connection& connection) const {
    if (connection.pending && connection.pending->done()) {
      connection.out += connection.pending->reply();
      connection.pending.reset();
    }
    while (!connection.pending) {
      const std::size_t end = connection.in.find('\n');
      if (end == std::string::npos) return;
      answer(connection, std::string_view(connection.in).substr(0, end));
      connection.in.erase(0, end + 1);
    }
  }

  void read_from(Connection& connection) const {
    std::vector<char> buffer(16 * 1024);
    for (;;) {
      const ssize_t n = recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) break;
      if (n <= 0) {
        connection.closing = true;
        break;
      }
      connection.in.append(buffer.data(), static_cast<std::size_t>(n));
      if (connection.in.size() > kMaxRequest) {
        connection.in.clear();
        connection.closing = true;
        return;
      }
    }
  }

  static void write_to(Connection& connection) {
    while (!connection.out.empty()) {
      const ssize_t n =
          send(connection.socket.get(), connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        connection.out.clear();
        connection.closing = true;
        return;
      }
      connection.out.erase(0, static_cast<std::size_t>(n));
    }
  }
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Result<Server> Server::listen(const std::filesystem::path& path, Handler handler, Waits waits) {
  auto address = address_of(path);
  if (!address) return fail(address.error());
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return fail("cannot create the folder: " + error.message(), path.parent_path().string(),
                "set run_dir to a folder that this user may write");
  }
  // A socket that answers belongs to a running process; one that refuses is left from a dead one.
  const Socket probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), as_sockaddr(*address), sizeof *address) == 0) {
    return fail("another process already serves this socket", path.string(),
                "stop it first, or choose another run_dir");
  }
  // Under another name until it listens: who finds it before would take it for a dead one's.
  const std::filesystem::path early = path.string() + "~";
  const auto early_address = address_of(early);
  if (!early_address) return fail(early_address.error());
  unlink(early.c_str());

  auto state = std::make_unique<State>();
  state->listener = Socket(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const mode_t mask = umask(0117);
  const int bound = bind(state->listener.get(), as_sockaddr(*early_address), sizeof *early_address);
  umask(mask);
  struct stat info {};
  if (bound != 0 || ::listen(state->listener.get(), 16) != 0 || stat(early.c_str(), &info) != 0 ||
      rename(early.c_str(), path.c_str()) != 0) {
    return fail("cannot listen: " + errno_text(), path.string());
  }
  state->path = path;
  state->inode = info.st_ino;
  state->handler = std::move(handler);
  state->waits = std::move(waits);
  state->wake = Socket(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (state->wake.get() < 0) return fail("cannot wait: " + errno_text(), path.string());
  return Server(std::move(state));
}

void Server::serve(std::chrono::milliseconds timeout) {
  std::vector<pollfd> polled{{state_->listener.get(), POLLIN, 0}, {state_->wake.get(), POLLIN, 0}};
  for (const Connection& connection : state_->connections) {
    // A peer that has said all stays readable for ever, and one that has gone hung up.
    const int events = (connection.closing ? 0 : POLLIN) | (connection.out.empty() ? 0 : POLLOUT);
    const int fd = connection.pending ? -1 : connection.socket.get();
    polled.push_back({fd, static_cast<short>(events), 0});
  }
  if (poll(polled.data(), polled.size(), static_cast<int>(timeout.count())) <= 0) return;
  eventfd_t woken = 0;
  (void)eventfd_read(state_->wake.get(), &woken);
  std::size_t index = 2;
  for (Connection& connection : state_->connections) {
    const bool ready = polled[index++].revents != 0;
    // One that has gone is known by its answer's not being taken.
    if (connection.pending && !connection.pending->done()) continue;
    if (!ready && !connection.pending) continue;
    if (ready && !connection.closing) state_->read_from(connection);
    state_->answer_all(connection);
    State::write_to(connection);
    if (connection.out.size() > kMaxReply) connection.closing = true;
  }
  state_->connections.remove_if([](const Connection& connection) {
    return connection.closing && connection.out.empty() && !connection.pending;
  });
  if (polled[0].revents != 0) state_->accept_all();
}

Result<nlohmann::json> call(const std::filesystem::path& path, const nlohmann::json& request,
                            std::chrono::milliseconds timeout) {
  auto address = address_of(path);
  if (!address) return fail(address.error());
  const Socket peer(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{timeout.count() / 1000, (timeout.count() % 1000) * 1000};
  setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(peer.get(), as_sockaddr(*address), sizeof *address) != 0) {
    return fail("cannot connect: " + errno_text(), path.string(), "is the process running?");
  }
  const std::string line = json_text(request) + "\n";
  if (send(peer.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return fail("cannot send: " + errno_text(), path.string());
  }
  std::string reply;
  std::vector<char> buffer(64 * 1024);
  while (reply.empty() || reply.back() != '\n') {
    const ssize_t n = recv(peer.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      return fail("no answer within " + std::to_string(timeout.count()) + " ms", path.string(),
                  "the process may be stalled; look at its log");
    }
    if (n <= 0) {
      return fail("the connection was closed without an answer", path.string(),
                  "run as root or as the user of the process");
    }
    reply.append(buffer.data(), static_cast<std::size_t>(n));
    if (reply.size() > kMaxReply) return fail("the answer is too long", path.string());
  }
  auto json = parse_json(reply);
  if (!json.is_object()) return fail("the answer is not a JSON object", path.string());
  if (const auto good = json.find("ok"); good != json.end() && *good == true) return json;
  const nlohmann::json fault = json.contains("error") ? json["error"] : nlohmann::json();
  std::string what = text_at(fault, "what");
  if (what.empty()) what = "refused without a reason";
  return fail(std::move(what), text_at(fault, "where"), text_at(fault, "advice"));
}

}  // namespace sluice::ipc
