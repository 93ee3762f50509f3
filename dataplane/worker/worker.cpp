#include "dataplane/worker/worker.h"

#include <algorithm>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>
#include <time.h>

#include "dataplane/packet/bytes.h"
#include "dataplane/worker/flow_hash.h"

namespace sluice::worker {
namespace {

using pipeline::kBurst;
using stats::Id;
using stats::Stage;

constexpr unsigned kRingSlots = 4096;
constexpr std::uint32_t kPollsBeforeSleep = 512;
// To be woken costs a few microseconds, and so do these.
constexpr std::uint32_t kPollsBeforeWait = 32;
constexpr std::uint32_t kFirstSleepUs = 4;
// To be woken for one or two of many frames costs more than they do. As cards gather frames before
// they interrupt, so do we, as long as cards do; a ring holds far more than comes in that while.
constexpr std::uint32_t kGatherUs = 100;
constexpr std::uint64_t kFramesWorthGathering = 4;
constexpr int kWaitMs = 50;  // bounds how late a request to stop is seen
/// In microseconds.
constexpr std::pair<std::uint64_t, Id> kGapBounds[] = {{10, Id::burst_gap_10us},
                                                       {50, Id::burst_gap_50us},
                                                       {200, Id::burst_gap_200us},
                                                       {1000, Id::burst_gap_1000us}};

/// The af_packet driver hands the outer VLAN tag over beside the frame; the wire gets it back in
/// its place. The tag's type is not told: where another tag follows, it is taken to be 802.1ad's,
/// as the standard has it, and counted.
bool restore_vlan(rte_mbuf*& frame, stats::Counters& counters) {
  if ((frame->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0) return true;
  frame->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
  if (rte_vlan_insert(&frame) != 0) return false;
  auto* bytes = rte_pktmbuf_mtod(frame, std::uint8_t*);
  const std::uint16_t next = packet::load16(bytes + 16);
  if (next == RTE_ETHER_TYPE_VLAN || next == RTE_ETHER_TYPE_QINQ) {
    packet::store16(bytes + 12, RTE_ETHER_TYPE_QINQ);
    counters.add(Id::vlan_tpid_assumed);
  }
  return true;
}

void sleep_us(std::uint32_t micros) {
  const timespec pause{0, static_cast<long>(micros) * 1000};
  nanosleep(&pause, nullptr);
}

std::span<const std::uint8_t> first_segment(rte_mbuf* frame) {
  return {rte_pktmbuf_mtod(frame, const std::uint8_t*), frame->data_len};
}

}  // namespace

void FreeQsbr::operator()(rte_rcu_qsbr* variable) const { rte_free(variable); }
void FreeRing::operator()(rte_ring* ring) const { rte_ring_free(ring); }

Worker::Worker(unsigned index, Shared& shared)
    : index_(index),
      shared_(shared),
      cycles_a_ms_(std::max<std::uint64_t>(rte_get_tsc_hz() / 1000, 1)),
      counters_(std::make_unique<stats::Counters>()),
      events_(std::make_unique<stats::EventRing>()),
      pipeline_(
          std::make_unique<pipeline::Pipeline>(index, shared.secret, *counters_, events_.get())) {}

void Worker::own(std::uint16_t port, std::uint16_t queue, std::span<const int> wait_descriptors) {
  owned_.push_back({port, queue});
  if (wait_descriptors.empty()) can_wait_ = false;
  for (const int descriptor : wait_descriptors) waiting_on_.push_back({descriptor, POLLIN, 0});
}

Status Worker::connect(Worker& owner, Worker& helper) {
  auto link = std::make_shared<Link>();
  for (auto& [ring, tag] : {std::pair{&link->work, "w"}, std::pair{&link->results, "r"}}) {
    const std::string name = std::string("sluice_") + tag + std::to_string(owner.index_) + "_" +
                             std::to_string(helper.index_);
    ring->reset(
        rte_ring_create(name.c_str(), kRingSlots, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ));
    if (!*ring) return fail(std::string("cannot make a ring: ") + rte_strerror(rte_errno), name);
  }
  owner.can_wait_ = false;
  helper.can_wait_ = false;
  owner.helpers_.push_back(link);
  helper.owners_.push_back(std::move(link));
  return {};
}

void Worker::run() {
  rte_rcu_qsbr_thread_register(shared_.qsbr.get(), index_);
  rte_rcu_qsbr_thread_online(shared_.qsbr.get(), index_);
  while (!shared_.stop.load(std::memory_order_relaxed)) {
    snapshot_ = shared_.snapshot.load(std::memory_order_acquire);
    const std::size_t frames = turn();
    rte_rcu_qsbr_quiescent(shared_.qsbr.get(), index_);
    idle(frames);
  }
  rte_rcu_qsbr_thread_offline(shared_.qsbr.get(), index_);
  rte_rcu_qsbr_thread_unregister(shared_.qsbr.get(), index_);
  shared_.ended.fetch_add(1, std::memory_order_release);
}

// How many frames came from the queue or ring that had most of them.
std::size_t Worker::turn() {
  std::size_t most = 0;
  for (const Queue& queue : owned_) most = std::max(most, receive(queue));
  for (const auto& link : owners_) {
    returning_to_ = link.get();
    most = std::max(most, help(link->work.get()));
    returning_to_ = nullptr;
  }
  for (const auto& link : helpers_) most = std::max(most, send_results(link->results.get()));
  return most;
}

std::size_t Worker::receive(const Queue& queue) {
  std::array<rte_mbuf*, kBurst> frames;
  counters_->stages().begin();
  const std::uint16_t n = rte_eth_rx_burst(queue.port, queue.queue, frames.data(), kBurst);
  if (n == 0) return 0;
  std::uint64_t octets = 0;
  std::uint16_t kept = 0;
  for (std::uint16_t i = 0; i < n; ++i) {
    octets += frames[i]->pkt_len;
    if (restore_vlan(frames[i], *counters_)) {
      frames[i]->port = queue.port;
      frames[kept++] = frames[i];
    } else {
      counters_->add(Id::vlan_no_room);
      rte_pktmbuf_free(frames[i]);
    }
  }
  counters_->add(Id::rx_packets, n);
  counters_->add(Id::rx_bytes, octets);
  counters_->stages().add_frames(n);
  counters_->stages().end(Stage::receive);
  if (helpers_.empty()) {
    judge({frames.data(), kept});
  } else {
    distribute({frames.data(), kept});
  }
  return n;
}

void Worker::distribute(std::span<rte_mbuf*> frames) {
  const std::uint32_t shares = static_cast<std::uint32_t>(helpers_.size()) + 1;
  for (rte_mbuf* frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, void*));
  std::uint16_t kept = 0;
  for (rte_mbuf* frame : frames) {
    const std::uint32_t share = flow_hash(first_segment(frame)) % shares;
    if (share == 0) {
      frames[kept++] = frame;
    } else {
      Link& link = *helpers_[share - 1];
      link.share[link.shared++] = frame;
    }
  }
  for (const auto& link : helpers_) {
    if (link->shared == 0) continue;
    const unsigned taken = rte_ring_sp_enqueue_burst(
        link->work.get(), reinterpret_cast<void**>(link->share.data()), link->shared, nullptr);
    counters_->add(Id::distributed, taken);
    if (taken < link->shared) counters_->add(Id::distribute_full, link->shared - taken);
    for (unsigned i = taken; i < link->shared; ++i) frames[kept++] = link->share[i];
    link->shared = 0;
  }
  counters_->stages().end(Stage::distribute);
  judge(frames.first(kept));
}

std::size_t Worker::help(rte_ring* work) {
  std::array<rte_mbuf*, kBurst> frames;
  counters_->stages().begin();
  const unsigned n =
      rte_ring_sc_dequeue_burst(work, reinterpret_cast<void**>(frames.data()), kBurst, nullptr);
  if (n == 0) return 0;
  counters_->stages().end(Stage::receive);
  judge({frames.data(), n});
  return n;
}

std::size_t Worker::send_results(rte_ring* results) {
  std::array<rte_mbuf*, kBurst> frames;
  counters_->stages().begin();
  const unsigned n =
      rte_ring_sc_dequeue_burst(results, reinterpret_cast<void**>(frames.data()), kBurst, nullptr);
  if (n == 0) return 0;
  for (unsigned i = 0; i < n; ++i) queue_for(frames[i]->port, frames[i]);
  flush();
  return n;
}

void Worker::judge(std::span<rte_mbuf*> frames) {
  if (frames.empty()) return;
  if (snapshot_ == nullptr) return without_generation(frames);
  // Only from another worker's ring come frames of several ports.
  const bool one_port = returning_to_ == nullptr;
  const PortRole* role = &shared_.ports[frames[0]->port];
  for (std::size_t i = 0; i < frames.size(); ++i) {
    rte_mbuf* frame = frames[i];
    if (!one_port) role = &shared_.ports[frame->port];
    const bool whole = frame->nb_segs == 1;
    pipeline::Packet& packet = packets_[i];
    packet.data = rte_pktmbuf_mtod(frame, std::uint8_t*);
    packet.length = frame->data_len;
    packet.capacity = static_cast<std::uint32_t>(frame->buf_len - frame->data_off);
    packet.port = role->client_port;
    packet.wire = std::min(frame->port, role->peer);
    packet.judge = role->inside && whole;
    packet.answers = !role->inside && whole;
    if (!whole) counters_->add(Id::frame_multi_segment);
  }
  const std::uint64_t now = rte_get_tsc_cycles();
  time_burst(now);
  pipeline_->process(*snapshot_, {packets_.data(), frames.size()}, now / cycles_a_ms_);
  if (one_port && pipeline_->emissions().empty()) return send_burst(frames, *role);
  apply_fates(frames);
  flush();
}

// A burst that comes late behind the one before it waited for that one, or for whatever took the
// lcore its time.
void Worker::time_burst(std::uint64_t now) {
  counters_->add(Id::bursts);
  const std::uint64_t gap = last_burst_ == 0 ? 0 : now - last_burst_;
  last_burst_ = now;
  for (const auto& [bound, counter] : kGapBounds) {
    if (gap <= bound * cycles_a_ms_ / 1000) return;
    counters_->add(counter);
  }
}

// An idle worker waits for the next frame where the device can wake it, and elsewhere sleeps, at
// first shortly and then up to the configured bound, so that a quiet night costs no core. Where it
// would be woken all the time, it rests after each burst that is not full, for the next to be.
void Worker::idle(std::size_t frames) {
  if (frames == kBurst || (frames != 0 && !gathers_)) {
    empty_turns_ = 0;
    return;
  }
  last_burst_ = 0;
  const std::uint32_t polls = gathers_ ? 1 : can_wait_ ? kPollsBeforeWait : kPollsBeforeSleep;
  if (++empty_turns_ < polls || shared_.idle_sleep_us == 0) {
    rte_pause();
    return;
  }
  if (can_wait_) {
    gathers_ = frames_come_fast();
    if (gathers_) sleep_us(std::min(kGatherUs, shared_.idle_sleep_us));
    if (gathers_ || frames != 0 || wait()) {
      empty_turns_ = 0;
      return;
    }
  }
  const std::uint32_t doublings = std::min<std::uint32_t>((empty_turns_ - polls) / 8, 16);
  sleep_us(std::min(kFirstSleepUs << doublings, shared_.idle_sleep_us));
}

/// Since the last time that this was asked, which is when the worker was idle before.
bool Worker::frames_come_fast() {
  const std::uint64_t now = rte_get_tsc_cycles();
  const std::uint64_t received = counters_->value(Id::rx_packets);
  const std::uint64_t frames = received - received_before_;
  const std::uint64_t cycles = now - idle_before_;
  idle_before_ = now;
  received_before_ = received;
  return cycles < frames * kGatherUs * cycles_a_ms_ / 1000 / kFramesWorthGathering;
}

// Offline for the while, so that a swap need not wait for us. False where a descriptor has an error
// to tell instead of a frame (its link went down): waiting on it would only spin.
bool Worker::wait() {
  rte_rcu_qsbr_thread_offline(shared_.qsbr.get(), index_);
  const int ready = poll(waiting_on_.data(), waiting_on_.size(), kWaitMs);
  rte_rcu_qsbr_thread_online(shared_.qsbr.get(), index_);
  if (ready <= 0) return ready == 0;
  return std::all_of(waiting_on_.begin(), waiting_on_.end(),
                     [](const pollfd& one) { return (one.revents & (POLLERR | POLLHUP)) == 0; });
}

}  // namespace sluice::worker
