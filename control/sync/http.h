// One transfer by libcurl: HTTPS with the certificate verified, plain HTTP where the caller says
// so, file:// for what was carried here. The caller bounds the body, octet by octet.
//
// IPv6 and IPv4 are tried side by side (RFC 8305). No proxy is taken from the environment: what
// goes where is said in the configuration alone. A proxy's password is in no error and no log.
//
// Thread safety: one thread per Http; `stop` may be set from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::sync {

struct HttpOptions {
  std::filesystem::path ca_file;  // empty: the system's
  std::string proxy;              // "http://proxy.example:3128"; empty: none
  std::string proxy_login;        // "user:password"; empty: none
  bool plain_http = false;        // http:// is taken too
  std::chrono::seconds connect_timeout{10};
  // A transfer slower than this for so long is given up.
  std::uint32_t stall_octets_per_second = 512;
  std::chrono::seconds stall_timeout{20};
  // Once true, the transfer under way and all later ones fail soon. Must outlive the Http.
  const std::atomic<bool>* stop = nullptr;
};

struct HttpRequest {
  std::string url;
  std::chrono::seconds limit{60};
  std::uint64_t from = 0;           // ask for the octets from here on (RFC 9110 section 14)
  std::string etag;                 // ask only for another than this one (section 13.1.2)
  std::string last_modified;        // the same by time (section 13.1.3)
  std::optional<std::string> post;  // send this, and take the body whatever the status is
  // Asked now and then while it lasts; true: the transfer is given up. It may use another Http.
  std::function<bool()> give_up;
};

/// What the server says before the body; see changed_just_now().
struct HttpHead {
  long status = 0;  // 200, 206, 304, 404, …; 200 for a file
  std::string etag;
  std::string last_modified;
  std::string date;
  // Of a 206: where it says that its octets begin, and how long it says the whole is.
  std::optional<std::uint64_t> range_from;
  std::optional<std::uint64_t> range_total;
};

/// Whether the document may change once more and be told as the same: it did within the second
/// before, and servers make both validators of whole seconds (RFC 9110 section 8.8.2.2).
[[nodiscard]] bool changed_just_now(const HttpHead& head);

/// Takes the body of a 200 or a 206, or of any answer to a POST; false ends the transfer.
using HttpSink = std::function<bool(const HttpHead& head, std::string_view bytes)>;

class Http {
 public:
  [[nodiscard]] static Result<Http> create(HttpOptions options);
  Http(Http&&) noexcept;
  Http& operator=(Http&&) noexcept;
  ~Http();

  /// Fails where the transfer is broken or refused by the sink (with `refused`); what the status
  /// means is the caller's affair. Bodies of other statuses than 200 and 206 are thrown away.
  [[nodiscard]] Result<HttpHead> get(const HttpRequest& request, const HttpSink& sink,
                                     const std::string& refused);

  /// Sleeps so long, or until the process stops.
  void wait(std::chrono::milliseconds pause) const;

 private:
  struct State;
  explicit Http(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::sync
