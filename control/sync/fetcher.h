// Bytes from a mirror, by libcurl: HTTPS with the certificate verified, or file:// for offline
// bundles. Every answer is bounded in size and time before it is believed: a mirror is not trusted
// with anything but bandwidth.
//
// Thread safety: one thread per Fetcher; `stop` may be set from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::sync {

struct FetchOptions {
  std::string base_url;           // "https://lists.example/repo/"
  std::filesystem::path ca_file;  // empty: the system's
  std::chrono::seconds connect_timeout{10};
  std::chrono::seconds metadata_timeout{60};
  // A transfer slower than this for so long is given up.
  std::uint32_t stall_octets_per_second = 512;
  std::chrono::seconds stall_timeout{20};
  // Once true, the transfer under way and all later ones fail soon. Must outlive the fetcher.
  const std::atomic<bool>* stop = nullptr;
};

class Fetcher {
 public:
  /// Refuses a base URL that is neither https:// nor file://.
  [[nodiscard]] static Result<Fetcher> create(FetchOptions options);
  Fetcher(Fetcher&&) noexcept;
  Fetcher& operator=(Fetcher&&) noexcept;
  ~Fetcher();

  /// The whole of a small document; nullopt where the mirror has none (404, 410).
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view path,
                                                       std::uint64_t max_octets);

  /// Writes exactly `length` octets with this SHA-256 to `to`, through a part file beside it. A
  /// file that is already there and right is not fetched again.
  [[nodiscard]] Status download(std::string_view path, const std::filesystem::path& to,
                                std::uint64_t length, std::string_view sha256);

 private:
  struct State;
  explicit Fetcher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::sync
