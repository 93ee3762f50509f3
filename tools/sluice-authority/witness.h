// The serving side of a witness (c2sp.org/tlog-witness): it remembers the last checkpoint of each
// log that it knows, and cosigns one that continues it. What it cosigns is on the disk before
// anybody has the signature, so that it never says of two trees that they are both the log's,
// whenever it dies.
//
// Thread safety: add_checkpoint() may be called from any thread.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/tlog/policy.h"
#include "control/tuf/key.h"
#include "control/tuf/time.h"

namespace sluice::authority {

/// Of a request to add-checkpoint: a size, a proof and a note.
inline constexpr std::size_t kMaxCheckpointRequest = 65'536;

struct WitnessAnswer {
  unsigned status = 0;  // of HTTP
  std::string body;
  const char* type = "text/plain";
};

class WitnessServer {
 public:
  /// `logs`: whose checkpoints it looks at, its witnesses and quorum aside. `state`: a folder,
  /// which one process at a time may have.
  [[nodiscard]] static Result<WitnessServer> open(tlog::LogPolicy logs, std::string name,
                                                  tuf::PrivateKey key, std::filesystem::path state,
                                                  tuf::Clock clock = tuf::system_clock_now);
  WitnessServer(WitnessServer&&) noexcept;
  WitnessServer& operator=(WitnessServer&&) noexcept;
  ~WitnessServer();

  [[nodiscard]] WitnessAnswer add_checkpoint(std::string_view request);

 private:
  struct State;
  explicit WitnessServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::authority
