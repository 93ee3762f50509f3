// The control process: a thread that works (pulls, compiles, publishes), one that looks at what
// begins or ends by itself, one that keeps the dataplane in step, and the main one, which answers
// on the socket and takes signals. Requests that have to wait for the working thread do so on
// threads of their own, so that the socket answers and signals are taken at any time; they
// interrupt a download, which goes on afterwards.
//
// Thread safety: run() on the main thread, once.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "control/publish/dataplane_link.h"
#include "control/service/reply.h"
#include "control/service/schedule.h"
#include "control/service/subscriber.h"
#include "control/service/updater.h"

namespace sluice::service {

/// How long the dataplane is waited for to say that it runs a generation.
inline constexpr std::chrono::milliseconds kAcknowledged{10'000};

class Service {
 public:
  /// `layer_faults`: of the configuration's other owners, as schema::load() tells them.
  Service(std::filesystem::path config_file, schema::Config config,
          std::vector<schema::Fault> layer_faults);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Serves until SIGTERM or SIGINT, which the caller has blocked, as SIGHUP. Fails when it cannot
  /// start.
  [[nodiscard]] Status run();

  /// Pulls and publishes once, tells the dataplane where there is one, and returns.
  [[nodiscard]] Status once();

 private:
  [[nodiscard]] Status start();
  void work();
  void watch_time();
  [[nodiscard]] bool is_due(const View& view) const;
  [[nodiscard]] bool layers_have_changed() const;
  void set_layer_files();
  void take_signals();
  void reload();
  void watch_block_rate();
  void tell_layers(std::vector<schema::Fault> faults);
  /// Once the working thread has taken the configuration over, or refused it.
  [[nodiscard]] nlohmann::json answer_when_reloaded(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] static bool is_config_command(std::string_view command);
  [[nodiscard]] nlohmann::json answer_config_command(const nlohmann::json& request);
  [[nodiscard]] nlohmann::json answer(const nlohmann::json& request);
  [[nodiscard]] nlohmann::json answer_site_command(const nlohmann::json& request);
  [[nodiscard]] nlohmann::json answer_mode_command(const nlohmann::json& request);
  /// Once what a person decided has come to the dataplane.
  [[nodiscard]] nlohmann::json answer_when_in_force(nlohmann::json reply);
  [[nodiscard]] nlohmann::json answer_pull(const nlohmann::json& request);
  [[nodiscard]] Facts facts() const;
  /// Counts pulls: returns the number that a request made now will have been served with.
  /// Of questions, which are answered at once, it says no.
  [[nodiscard]] static bool may_wait(const nlohmann::json& request);
  /// Whether the working thread is asked for what cannot wait for a download's end.
  [[nodiscard]] bool is_wanted_elsewhere() const;
  std::uint64_t request_pull();
  std::uint64_t count_pull();  // the same with mutex_ held
  [[nodiscard]] nlohmann::json answer_bundle(const nlohmann::json& request);
  [[nodiscard]] nlohmann::json answer_when_pulled(std::uint64_t number, std::uint64_t wait_seconds);

  std::filesystem::path config_file_;
  schema::Config config_;  // of the working thread once it runs
  const std::filesystem::path state_dir_;
  tuf::Time started_;
  std::atomic<bool> stop_{false};
  int signal_fd_ = -1;  // of the main thread
  publish::DataplaneLink link_;
  Updater updater_;
  BlockRate block_rate_;  // the worker's

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t pulls_wanted_ = 1;  // guarded by mutex_; the first one is the start's own
  std::uint64_t pulls_done_ = 0;    // guarded by mutex_
  bool reload_wanted_ = false;      // guarded by mutex_
  bool reloading_ = false;          // guarded by mutex_
  std::uint64_t reloads_done_ = 0;  // guarded by mutex_
  /// A configuration that is tried: it ends with its time, unless it is kept, and with this
  /// process.
  struct Trial {
    std::filesystem::path file;
    std::chrono::steady_clock::time_point until;
    tuf::Time until_time;
  };
  std::optional<Trial> trial_;                          // guarded by mutex_
  std::optional<std::filesystem::path> bundle_wanted_;  // guarded by mutex_
  bool decided_ = false;     // what may be of the release that is pulled; guarded by mutex_
  bool look_again_ = false;  // guarded by mutex_; at when something ends
  std::optional<Error> config_error_;               // guarded by mutex_
  std::vector<schema::Fault> layer_faults_;         // guarded by mutex_
  bool has_authority_;                              // guarded by mutex_
  std::mutex configuring_;                          // by one request at a time
  std::vector<std::filesystem::path> layer_files_;  // config_'s; guarded by mutex_
  std::string layer_stamps_;                        // of what was read last; guarded by mutex_
  std::thread worker_;
  std::thread time_watcher_;
  Subscriber subscriber_;  // the last, so that it ends before what it calls
};

}  // namespace sluice::service
