// Bytes of a repository from its mirrors: HTTPS, or file:// for offline bundles. Every answer is
// bounded in size and time before it is believed: a mirror is not trusted with anything but
// bandwidth.
//
// Mirrors are asked in random order, so that no one of them serves all appliances, nor one
// appliance always. One that fails goes to the end of the order. A broken download goes on where it
// was cut, at any mirror, and what was put together so is believed by its hash alone.
//
// Thread safety: one thread per Fetcher; `stop` may be set from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/sync/http.h"

namespace sluice::sync {

struct FetchOptions {
  std::vector<std::string> base_urls;  // "https://lists.example/repo/"
  HttpOptions http;
  std::chrono::seconds metadata_timeout{60};
  // Between attempts at a download that goes on where it was cut: doubled each time.
  std::chrono::milliseconds first_pause{200};
};

/// What is remembered of documents that mirrors need not send again; kept from pull to pull.
struct Validators {
  struct One {
    std::uint64_t version = 0;  // of the document that was verified
    std::string etag;
    std::string last_modified;
    std::chrono::steady_clock::time_point since{};
  };
  std::map<std::string, One> by_url;
};

/// A mirror is asked without a condition at least so often, whatever it said about its document:
/// one that always says "not modified" would otherwise be believed until the signature expires.
inline constexpr std::chrono::minutes kLongestConditional{60};

class Fetcher {
 public:
  /// Refuses a base URL that is neither https:// nor file://. `validators` may be null, and must
  /// outlive the fetcher.
  [[nodiscard]] static Result<Fetcher> create(FetchOptions options,
                                              Validators* validators = nullptr);
  Fetcher(Fetcher&&) noexcept;
  Fetcher& operator=(Fetcher&&) noexcept;
  ~Fetcher();

  /// The whole of a small document; nullopt where the mirror has none (404, 410). A mirror that
  /// does not answer gives way to the next.
  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view path,
                                                       std::uint64_t max_octets);

  struct Changed {
    bool unchanged = false;  // the mirror still has what confirm() was said of
    std::optional<std::string> bytes;
  };
  /// The same, asked on the condition that it is no longer what was confirmed as `version`.
  [[nodiscard]] Result<Changed> get_changed(std::string_view path, std::uint64_t max_octets,
                                            std::uint64_t version);
  /// What get_changed() brought last was verified, and is of this version.
  void confirm(std::uint64_t version);

  /// Writes exactly `length` octets with this SHA-256 to `to`, through a part file beside it, which
  /// stays where the transfer broke. A file that is already there and right is not fetched again.
  [[nodiscard]] Status download(std::string_view path, const std::filesystem::path& to,
                                std::uint64_t length, std::string_view sha256);

  /// Asked now and then while a download lasts: once it says true, that and all later ones end,
  /// and what has come so far stays for the next Fetcher.
  void interrupt_when(std::function<bool()> asked);
  [[nodiscard]] bool interrupted() const;

  /// Where the next document is asked for first.
  [[nodiscard]] const std::string& mirror() const;
  [[nodiscard]] std::size_t mirrors() const;
  /// What this mirror said did not hold: the next one is asked first from now on.
  void distrust();

 private:
  struct State;
  explicit Fetcher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::sync
