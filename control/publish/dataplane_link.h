// Keeps the dataplane on the current generation. The two processes start, die and come back in any
// order, so nothing here is an event: every second the dataplane is asked what it runs, and told to
// load what it should.
//
// Thread safety: all members may be called from any thread; the asking is done by the link's own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "config/base/result.h"

namespace sluice::publish {

struct LinkOptions {
  std::filesystem::path socket;
  std::chrono::milliseconds interval{1000};
  std::chrono::milliseconds status_timeout{3000};
  std::chrono::milliseconds load_timeout{30000};  // five million entries take a while
  // A generation that was refused is not offered again for so long.
  std::chrono::milliseconds refusal_pause{60000};
};

struct LinkStatus {
  bool connected = false;
  std::optional<std::uint64_t> generation;  // what the dataplane runs
  std::uint64_t wanted = 0;                 // 0: nothing to offer
  std::string error;     // why it is not connected, or not on the wanted generation
  bool refused = false;  // the dataplane said no to the wanted generation
};

class DataplaneLink {
 public:
  explicit DataplaneLink(LinkOptions options);
  ~DataplaneLink();
  DataplaneLink(const DataplaneLink&) = delete;
  DataplaneLink& operator=(const DataplaneLink&) = delete;

  /// Offers a generation, at once and then until the dataplane runs it.
  void want(std::uint64_t generation, std::filesystem::path path);

  /// Waits until the dataplane runs the wanted generation, refuses it, or is found away.
  [[nodiscard]] LinkStatus wait(std::chrono::milliseconds timeout);
  /// From now on nobody is kept waiting: the process ends.
  void stop_waiting();

  [[nodiscard]] LinkStatus status() const;

 private:
  void run();
  void reconcile();
  void load(std::uint64_t number, const std::filesystem::path& path);

  LinkOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  LinkStatus status_;           // guarded by mutex_
  std::filesystem::path path_;  // of status_.wanted; guarded by mutex_
  bool offered_ = false;        // the wanted one was offered at least once; guarded by mutex_
  bool stopping_ = false;       // guarded by mutex_
  bool waits_ = true;           // guarded by mutex_
  bool wake_ = false;           // guarded by mutex_
  std::chrono::steady_clock::time_point not_before_{};  // of the link's thread only
  std::thread thread_;                                  // last, so that it sees the rest whole
};

}  // namespace sluice::publish
