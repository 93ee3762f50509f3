// What a release that was logged changed: which lists, which names under which notices, and who
// signed it. For whoever watches an authority without being an appliance.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/release.h"
#include "control/tuf/metadata.h"
#include "tools/sluice-authority/log_source.h"
#include "tools/sluice-authority/log_verify.h"

namespace sluice::authority {

class ReleaseReport {
 public:
  /// `folder`: for files that are fetched; `names`: how many of each list are told one by one.
  /// Until its snapshot has ended, a release must be there whole; later, its lists may have left.
  ReleaseReport(LogSource& source, std::filesystem::path folder, std::uint64_t names, tuf::Time now,
                std::ostream& out)
      : source_(source), folder_(std::move(folder)), names_(names), now_(now), out_(out) {}

  /// The release that later ones are compared with; nothing of it is told.
  [[nodiscard]] Status begin_with(const LoggedRelease& release);
  /// Tells what a release changed since the one before. What is wrong with it is an error.
  [[nodiscard]] Status tell(const LoggedRelease& release);

 private:
  struct Documents {
    tuf::Snapshot snapshot;
    tuf::Targets top;
    std::map<std::string, tuf::Targets> roles;          // by role
    std::map<std::string, std::string> signed_by;       // key ids, shortened
    std::map<std::string, compile::ReleaseList> lists;  // by role
  };

  [[nodiscard]] Result<Documents> read(const LoggedRelease& release);
  [[nodiscard]] Result<tuf::Envelope> read_role(const tuf::Snapshot& snapshot,
                                                const std::string& role);
  [[nodiscard]] Status tell_list(const compile::ReleaseList* before,
                                 const compile::ReleaseList& after);
  [[nodiscard]] Status tell_orders(const compile::ReleaseList* before,
                                   const compile::ReleaseList& after);
  [[nodiscard]] Result<std::string> changes(const compile::ReleaseList* before,
                                            const compile::ReleaseList& after);
  [[nodiscard]] Result<std::vector<std::string>> lines_of(const compile::ListFile& file,
                                                          std::uint64_t max_octets);

  LogSource& source_;
  std::filesystem::path folder_;
  std::uint64_t names_;
  tuf::Time now_;
  std::ostream& out_;
  Documents last_;
};

}  // namespace sluice::authority
