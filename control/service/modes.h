// The modes that persons switched: kept in one file, synced before anything is done about them, so
// that no restart forgets one. They travel in each generation's policy document, with their ends,
// so that the dataplane keeps and ends them alone.
//
// Thread safety: all members may be called from any thread.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/schema/config.h"
#include "control/service/decisions.h"

namespace sluice::service {

inline constexpr std::size_t kMaxModes = 10'000;
/// One that is to last longer is a matter of the configuration.
inline constexpr std::chrono::hours kLongestMode{24 * 366};

class Modes {
 public:
  Modes(std::filesystem::path file, tuf::Clock clock);

  /// After a start. Fails where the file is damaged; then there are no modes, and fault() says so.
  [[nodiscard]] Status recover();

  /// In place of what the same group or device had.
  [[nodiscard]] Status set(const policy::Mode& mode);
  /// `subject`: as policy::subject() tells it.
  [[nodiscard]] Result<policy::Mode> end(const std::string& subject);

  [[nodiscard]] std::vector<policy::Mode> all() const;  // those that have not ended
  [[nodiscard]] std::string fault() const;

 private:
  [[nodiscard]] Status save(std::vector<policy::Mode> modes);  // with mutex_ held
  [[nodiscard]] std::vector<policy::Mode> standing() const;    // likewise

  const std::filesystem::path file_;
  const tuf::Clock clock_;
  mutable std::mutex mutex_;
  std::vector<policy::Mode> modes_;  // and all below: guarded by mutex_
  std::string fault_;
};

/// mode-set, mode-end and mode-list.
[[nodiscard]] bool is_mode_command(std::string_view command);
[[nodiscard]] nlohmann::json answer_mode(Modes& modes, const schema::Config& config,
                                         const nlohmann::json& request, tuf::Time now);

}  // namespace sluice::service
