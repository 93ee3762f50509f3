// The client's workflow of TUF 1.0 section 5: root, timestamp, snapshot, targets, and then one
// delegated, terminating role per department. What comes out is a Release: facts that enough keys
// have signed, that are not older than what was seen before, and that have not expired.
//
// Thread safety: one thread per Client.
#pragma once

#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/compile/release.h"
#include "control/sync/fetcher.h"
#include "control/sync/log_check.h"
#include "control/sync/trust.h"
#include "control/tuf/time.h"

namespace sluice::sync {

inline constexpr unsigned kMaxRootSteps = 1024;

class Client {
 public:
  /// Fetcher and trust must outlive the client.
  Client(Fetcher& fetcher, Trust& trust, tuf::Clock clock);

  /// Walks the metadata. What was verified on the way stays trusted even when a later step fails,
  /// so that a failed update cannot be used to go back.
  [[nodiscard]] Result<compile::Release> refresh();

  /// Whether the authority has signed a newer snapshot than the one that is trusted, by a timestamp
  /// that is checked and kept as refresh() does; so a mirror that is behind is known as such then.
  /// A mirror that says what does not hold gives way to the next.
  [[nodiscard]] bool is_behind();

  /// Why the last refresh() failed, where that is that the release was not logged as it must be.
  [[nodiscard]] const std::optional<Error>& not_logged() const { return not_logged_; }
  /// A time that witnesses of the log have signed in this refresh(), if they have.
  [[nodiscard]] const std::optional<tuf::Time>& witnessed() const { return log_.witnessed(); }

 private:
  struct Fetched {
    std::string bytes;
    tuf::Envelope envelope;
  };

  [[nodiscard]] Status update_root();
  [[nodiscard]] Status update_timestamp();
  [[nodiscard]] Status update_snapshot();
  [[nodiscard]] Result<tuf::Targets> fetch_targets(const std::string& role, const tuf::KeyMap& keys,
                                                   const tuf::RoleKeys& role_keys);
  [[nodiscard]] Result<Fetched> fetch_listed(const std::string& path, const tuf::MetaFile& file,
                                             std::uint64_t max_octets);
  [[nodiscard]] Status check_fresh(const tuf::Common& document, const std::string& where) const;

  [[nodiscard]] Status logged(Status status);

  Fetcher& fetcher_;
  Trust& trust_;
  std::optional<Error> not_logged_;
  tuf::Clock clock_;
  LogCheck log_;
  std::string snapshot_sha256_;  // of what refresh() has verified
};

}  // namespace sluice::sync
