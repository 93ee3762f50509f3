// The dataplane as a whole: ports, workers, and the snapshot they judge by. main.cpp starts and
// stops it; the control socket asks it.
//
// Thread safety: the control thread, except telemetry's readers, which see counters only.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "dataplane/budget/keeper.h"
#include "dataplane/eal/buffers.h"
#include "dataplane/eal/eal.h"
#include "dataplane/gateway/wall_clock.h"
#include "dataplane/neighbour/book.h"
#include "dataplane/port/link_watch.h"
#include "dataplane/port/port.h"
#include "dataplane/trial/trial.h"
#include "dataplane/worker/shared.h"
#include "dataplane/worker/worker.h"

namespace sluice::gateway {

/// A block as the history keeps it.
struct PastBlock {
  std::uint64_t sequence = 0;
  std::chrono::system_clock::time_point time;
  stats::BlockEvent event;
  std::string group;
};

/// Of the blocks that were reported, whose rule they were: a record that an authority signed, or
/// anything of the site's: its lists, hours, budgets, pauses, curated lists.
struct BlockOrigins {
  std::uint64_t authority = 0;
  std::uint64_t site = 0;
};

/// A device that has come near the end of a budget, or to it.
struct BudgetNotice {
  std::chrono::system_clock::time_point time;
  budget::Book::Notice notice;
};

class Gateway {
 public:
  /// Opens ports and starts workers; with no generation yet. `generation_file`: judge by this one,
  /// whatever the state folder holds; empty for the newest good one there.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(
      const schema::Config& config, const std::filesystem::path& generation_file, WallClock clock);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Verifies a generation and judges by it from the next burst on. On an error the running one
  /// stays. Returns its number.
  [[nodiscard]] Result<std::uint64_t> load(const std::filesystem::path& file);

  /// Of what a generation would block of the names that passed lately, which the running one lets
  /// pass: all that only this thread may read. Changes nothing.
  [[nodiscard]] Result<trial::Attempt> prepare_trial(const std::filesystem::path& file) const;

  /// Link state, block events, what the time changes; to be called a few times a second.
  void housekeeping();

  [[nodiscard]] const schema::Config& config() const { return config_; }
  [[nodiscard]] const index::Snapshot* snapshot() const { return running_.get(); }
  [[nodiscard]] std::vector<port::Port>& ports() { return ports_; }
  [[nodiscard]] const std::vector<std::unique_ptr<worker::Worker>>& workers() const {
    return workers_;
  }
  [[nodiscard]] const eal::Environment& environment() const { return environment_; }
  [[nodiscard]] std::vector<std::string> alarms() const;
  [[nodiscard]] policy::Moment moment() const { return moment_; }
  [[nodiscard]] const std::deque<PastBlock>& history() const { return history_; }
  /// Since the start. Reports that were lost are not among them.
  [[nodiscard]] const BlockOrigins& block_origins() const { return block_origins_; }
  [[nodiscard]] const std::deque<BudgetNotice>& notices() const { return notices_; }
  [[nodiscard]] budget::Book& budgets() { return budgets_.book(); }
  /// Which devices hold the addresses that the policy names.
  [[nodiscard]] std::vector<neighbour::Book::Device> neighbours() const;
  [[nodiscard]] std::optional<neighbour::Book::Device> neighbour(const policy::Client& client,
                                                                 bool has_mac) const;
  /// Their names in the order of policy::Client::port.
  [[nodiscard]] const std::vector<std::string>& inside_ports() const { return inside_ports_; }
  /// Adds up what was spent until now; and takes what a person changed into use, and keeps it.
  void count_budgets();
  void budgets_were_changed();

 private:
  Gateway(schema::Config config, WallClock clock, std::uint64_t secret);
  [[nodiscard]] Status open_ports();
  [[nodiscard]] Status make_pool(std::span<const port::Prepared> prepared);
  [[nodiscard]] Status assign_roles();
  [[nodiscard]] Status start_workers();
  void load_at_start(const std::filesystem::path& generation_file);
  void collect_events();
  void keep_time();
  // budgets.cpp
  void use_budgets(const index::Snapshot& snapshot);
  void keep_budgets();
  [[nodiscard]] std::uint32_t minute() const;
  // neighbours.cpp
  void use_neighbours(const index::Snapshot& snapshot);
  void keep_neighbours();
  void follow(std::shared_ptr<const neighbour::Table> table);
  void wait_until_quiescent();

  schema::Config config_;
  WallClock clock_;
  policy::Moment moment_;
  eal::Environment environment_;
  eal::Buffers buffers_;
  bool eal_started_ = false;
  bool workers_started_ = false;
  std::vector<port::Port> ports_;
  std::vector<port::LinkWatch> links_;
  std::vector<std::string> inside_ports_;
  worker::Shared shared_;
  std::vector<std::unique_ptr<worker::Worker>> workers_;
  std::unique_ptr<const index::Snapshot> running_;
  std::vector<std::string> alarms_;
  std::deque<PastBlock> history_;
  std::uint64_t sequence_ = 0;
  BlockOrigins block_origins_;
  budget::Keeper budgets_;
  std::uint8_t epoch_ = 0;
  std::shared_ptr<const budget::Exhausted> exhausted_;
  std::chrono::steady_clock::time_point merged_{};
  std::deque<BudgetNotice> notices_;
  neighbour::Book neighbours_;
  std::shared_ptr<const neighbour::Table> followed_;
  std::chrono::steady_clock::time_point followed_at_{};
};

}  // namespace sluice::gateway
