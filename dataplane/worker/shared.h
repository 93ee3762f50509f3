// What the workers share: written by the control thread, read by the workers. Counters, rings and
// buffers are each one worker's own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <rte_config.h>
#include <vector>

#include "config/schema/config.h"
#include "dataplane/index/snapshot.h"

struct rte_mempool;
struct rte_rcu_qsbr;

namespace sluice::worker {

/// A port as the workers see it. Constant once the workers run.
struct PortRole {
  std::uint16_t peer = 0;         // DPDK port number of the other side of the wire
  std::uint16_t client_port = 0;  // policy::Client::port, of an outside port that of its inside
  std::uint16_t queues = 0;
  bool inside = false;
  bool used = false;
};

struct FreeQsbr {
  void operator()(rte_rcu_qsbr* variable) const;
};

struct Shared {
  std::array<PortRole, RTE_MAX_ETHPORTS> ports{};
  rte_mempool* pool = nullptr;
  schema::FailMode fail = schema::FailMode::open;
  std::uint32_t idle_sleep_us = 0;
  std::uint64_t secret = 0;  // per boot, for incident ids

  /// Set by the control thread; a worker takes it once a turn and reports quiescent between turns.
  std::atomic<const index::Snapshot*> snapshot{nullptr};
  std::unique_ptr<rte_rcu_qsbr, FreeQsbr> qsbr;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> ended{0};  // workers that have done all that they will
};

}  // namespace sluice::worker
