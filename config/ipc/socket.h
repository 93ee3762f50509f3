// Commands between Sluice's processes: one JSON object a line, request then reply, over an AF_UNIX
// stream socket. Peers are checked with SO_PEERCRED: root, the owner of the process and its group
// may talk.
//
//   -> {"command":"load","path":"/var/lib/sluice/generations/42.lmdb"}
//   <- {"ok":true,"generation":42}
//   <- {"ok":false,"error":{"what":"…","where":"…","advice":"…"}}
//
// Thread safety: a Server and a Client each belong to one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "config/base/result.h"

namespace sluice::ipc {

/// Answers one request, in which "peer_uid" is the peer's user as the kernel tells it, whatever the
/// peer wrote there. What it returns is sent as it is; use ok() and error() to build it.
using Handler = std::function<nlohmann::json(const nlohmann::json& request)>;

/// What is left to do for an answer that may be long in coming; empty where there is nothing of the
/// kind, and the handler answers.
using Later = std::function<nlohmann::json()>;
using Waits = std::function<Later(const nlohmann::json& request)>;

[[nodiscard]] nlohmann::json ok(nlohmann::json fields = nlohmann::json::object());
[[nodiscard]] nlohmann::json error(const Error& error);

class Server {
 public:
  /// Binds `path` with mode 0660, replacing a dead process's socket but never a live one's.
  /// What `waits` leaves to do is done on a thread of its own, so that it keeps nobody else
  /// waiting; each connection's in their order. Whoever ends the server first sees to it that it
  /// returns.
  [[nodiscard]] static Result<Server> listen(const std::filesystem::path& path, Handler handler,
                                             Waits waits = {});
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();

  /// Serves whatever is ready, waiting at most `timeout` for the first of it. Never blocks on a
  /// slow peer: what it does not take is dropped with its connection.
  void serve(std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One request, one reply, one connection. An {"ok":false} reply comes back as its Error.
[[nodiscard]] Result<nlohmann::json> call(const std::filesystem::path& socket,
                                          const nlohmann::json& request,
                                          std::chrono::milliseconds timeout);

}  // namespace sluice::ipc
