// A published repository as outsiders see it, in a folder or on a web server: for witnesses,
// auditors and monitors, who believe only what the log's key has signed.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/sync/fetcher.h"
#include "control/tlog/policy.h"
#include "control/tlog/tiles.h"

namespace sluice::authority {

class LogSource {
 public:
  /// "https://lists.example/repo/", or a folder.
  [[nodiscard]] static Result<LogSource> open(const std::string& place,
                                              const std::filesystem::path& ca_file);

  /// nullopt where there is no such file.
  [[nodiscard]] Result<std::optional<std::string>> get(const std::string& path,
                                                       std::uint64_t max_octets);
  /// Fails where there is no such file.
  [[nodiscard]] Result<std::string> need(const std::string& path, std::uint64_t max_octets);
  /// Of the folder log/. The source must outlive it.
  [[nodiscard]] tlog::FetchTile tiles();
  [[nodiscard]] sync::Fetcher& fetcher() { return fetcher_; }

 private:
  explicit LogSource(sync::Fetcher fetcher) : fetcher_(std::move(fetcher)) {}
  sync::Fetcher fetcher_;
};

/// What is believed: the policy in a file, or else a log's key alone.
[[nodiscard]] Result<tlog::LogPolicy> chosen_policy(const std::filesystem::path& policy_file,
                                                    const std::string& log_vkey);

struct SeenCheckpoint {
  tlog::Note note;
  tlog::Believed believed;  // of witnesses no quorum is asked
};

/// The newest checkpoint, signed by a log of the policy.
[[nodiscard]] Result<SeenCheckpoint> newest_checkpoint(LogSource& source,
                                                       const tlog::LogPolicy& policy);

/// What was seen of a log before, kept in a file; nullopt where there is none. Another log's is an
/// error.
[[nodiscard]] Result<std::optional<tlog::Checkpoint>> load_seen(const std::filesystem::path& file,
                                                                const std::string& origin);
[[nodiscard]] Status save_seen(const std::filesystem::path& file, const tlog::Checkpoint& seen);

/// Whether the log now begins with what it was: else it was cut or forked.
[[nodiscard]] Status check_grown(LogSource& source, const tlog::Checkpoint& before,
                                 const tlog::Checkpoint& now);

}  // namespace sluice::authority
