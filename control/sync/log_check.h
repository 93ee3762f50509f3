// Whether a release was logged where the public can see it. By the log policy that the officials
// have signed (target policy/tlog-policy.txt), a snapshot is believed only with the proof beside
// it, from a log that never becomes smaller or another one.
//
// In the folder of what is trusted: tlog-policy.txt, and log.json with the largest log seen of each
// origin. Each file is replaced atomically.
//
// Thread safety: one thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "config/base/result.h"
#include "control/sync/fetcher.h"
#include "control/tlog/proof.h"
#include "control/tuf/metadata.h"

namespace sluice::sync {

class LogCheck {
 public:
  /// Files that are damaged count as not there: the policy is fetched again with the next release.
  /// The fetcher must outlive it.
  LogCheck(Fetcher& fetcher, std::filesystem::path folder);

  /// Checks a snapshot by the policy that is trusted; where there is none, all is good.
  [[nodiscard]] Status check(std::uint64_t version, const std::string& sha256);
  /// Takes the policy that the targets of this snapshot name, or none, once the snapshot is good by
  /// it as well.
  [[nodiscard]] Status follow(const tuf::Targets& targets, std::uint64_t version,
                              const std::string& sha256);

  /// When the witnesses of the last proof that was checked cosigned it, by the earliest of them: a
  /// time that has passed. nullopt where none was checked, or none are asked.
  [[nodiscard]] const std::optional<tuf::Time>& witnessed() const { return witnessed_; }

  /// Forgets policy and logs: of an authority that is trusted no more.
  static void forget(const std::filesystem::path& folder);

 private:
  struct Seen {
    std::uint64_t size = 0;
    tlog::Hash root{};
  };

  [[nodiscard]] Status check_by(const tlog::LogPolicy& policy, std::uint64_t version,
                                const std::string& sha256);
  [[nodiscard]] Status check_grown(const tlog::LogPolicy& policy, const tlog::Checkpoint& now,
                                   const std::string& where);
  [[nodiscard]] Status save();
  void load();

  Fetcher& fetcher_;
  std::filesystem::path folder_;
  std::optional<tlog::LogPolicy> policy_;
  std::string policy_sha256_;
  std::map<std::string, Seen> seen_;  // by origin
  std::optional<tuf::Time> witnessed_;
  std::string checked_;  // SHA-256 of the snapshot that was found good last
};

}  // namespace sluice::sync
