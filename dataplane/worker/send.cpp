// How a worker gets rid of its frames: sorted by fate and port, sent in bulk.
#include <cstring>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_ring.h>

#include "dataplane/worker/worker.h"

namespace sluice::worker {
namespace {

using pipeline::Fate;
using pipeline::kBurst;
using stats::Id;
using stats::Stage;

// A port that takes nothing for this long is stuck, or its link is gone.
constexpr std::uint64_t kSendPatienceUs = 2000;

void set_length(rte_mbuf* frame, std::uint32_t octets) {
  frame->data_len = static_cast<std::uint16_t>(octets);
  frame->pkt_len = octets;
}

}  // namespace

// Nearly every burst: of one port, and with nothing made beside it. What is sent on and what is
// sent back are sorted without a detour over memory.
void Worker::send_burst(std::span<rte_mbuf*> frames, const PortRole& role) {
  std::array<rte_mbuf*, kBurst> onward;
  std::array<rte_mbuf*, kBurst> back;
  std::size_t onward_count = 0;
  std::size_t back_count = 0;
  const std::uint16_t port = frames[0]->port;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    rte_mbuf* frame = frames[i];
    const Fate fate = packets_[i].fate;
    if (fate == Fate::drop) {
      rte_pktmbuf_free(frame);
      continue;
    }
    if (fate != Fate::forward) set_length(frame, packets_[i].length);
    if (fate == Fate::reply) {
      back[back_count++] = frame;
    } else {
      onward[onward_count++] = frame;
    }
  }
  counters_->add(Id::forwarded, onward_count);
  if (onward_count > 0) send(role.peer, {onward.data(), onward_count});
  if (back_count > 0) send(port, {back.data(), back_count});
  counters_->stages().end(Stage::send);
}

void Worker::without_generation(std::span<rte_mbuf*> frames) {
  const bool open = shared_.fail == schema::FailMode::open;
  counters_->add(open ? Id::no_generation_passed : Id::no_generation_dropped, frames.size());
  for (rte_mbuf* frame : frames) {
    if (open) {
      queue_for(shared_.ports[frame->port].peer, frame);
    } else {
      rte_pktmbuf_free(frame);
    }
  }
  flush();
}

void Worker::apply_fates(std::span<rte_mbuf*> frames) {
  std::uint64_t forwarded = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    rte_mbuf* frame = frames[i];
    const std::uint16_t from = frame->port;  // queueing changes it
    switch (packets_[i].fate) {
      case Fate::forward:
        ++forwarded;
        queue_for(shared_.ports[frame->port].peer, frame);
        break;
      case Fate::rewrite:
        ++forwarded;
        set_length(frame, packets_[i].length);
        queue_for(shared_.ports[frame->port].peer, frame);
        break;
      case Fate::reply:
        set_length(frame, packets_[i].length);
        queue_for(frame->port, frame);
        break;
      case Fate::drop:
        rte_pktmbuf_free(frame);
        break;
    }
    emit(i, from);
  }
  counters_->add(Id::forwarded, forwarded);
}

// The frames that were made because of frame `cause`, behind those of the burst that came before
// it: a reset that overtook them would not stand at the next number that its receiver expects.
void Worker::emit(std::size_t cause, std::uint16_t from) {
  for (const pipeline::Emission& emission : pipeline_->emissions()) {
    if (emission.packet != cause) continue;
    rte_mbuf* frame = rte_pktmbuf_alloc(shared_.pool);
    if (frame == nullptr) {
      counters_->add(Id::resets_lost);
      continue;
    }
    std::memcpy(rte_pktmbuf_append(frame, emission.length), emission.bytes.data(), emission.length);
    queue_for(emission.way == packet::Way::back ? from : shared_.ports[from].peer, frame);
    counters_->add(Id::resets_sent);
  }
}

void Worker::queue_for(std::uint16_t port, rte_mbuf* frame) {
  Outgoing& outgoing = outgoing_[port];
  if (outgoing.count == 0) pending_[pending_count_++] = port;
  outgoing.frames[outgoing.count++] = frame;
}

void Worker::flush() {
  for (std::uint16_t i = 0; i < pending_count_; ++i) {
    Outgoing& outgoing = outgoing_[pending_[i]];
    send(pending_[i], {outgoing.frames.data(), outgoing.count});
    outgoing.count = 0;
  }
  pending_count_ = 0;
  counters_->stages().end(Stage::send);
}

// The owner of the queue sends; it drains this ring on every turn.
void Worker::send_back(std::uint16_t port, std::span<rte_mbuf*> frames) {
  for (rte_mbuf* frame : frames) frame->port = port;
  while (true) {
    frames = frames.subspan(rte_ring_sp_enqueue_burst(
        returning_to_->results.get(), reinterpret_cast<void**>(frames.data()),
        static_cast<unsigned>(frames.size()), nullptr));
    if (frames.empty()) return;
    if (shared_.stop.load(std::memory_order_relaxed)) {
      counters_->add(Id::tx_full_dropped, frames.size());
      return rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
    }
    rte_pause();
  }
}

void Worker::send(std::uint16_t port, std::span<rte_mbuf*> frames) {
  if (returning_to_ != nullptr) return send_back(port, frames);
  const auto queue = static_cast<std::uint16_t>(index_ % shared_.ports[port].queues);
  std::uint64_t deadline = 0;
  while (!frames.empty()) {
    const std::uint16_t sent =
        rte_eth_tx_burst(port, queue, frames.data(), static_cast<std::uint16_t>(frames.size()));
    counters_->add(Id::tx_packets, sent);
    frames = frames.subspan(sent);
    if (frames.empty()) return;
    const std::uint64_t now = rte_get_tsc_cycles();
    if (sent > 0 || deadline == 0) {
      deadline = now + rte_get_tsc_hz() * kSendPatienceUs / 1'000'000;
    } else if (now > deadline) {
      counters_->add(Id::tx_full_dropped, frames.size());
      rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
      return;
    }
    rte_pause();
  }
}

}  // namespace sluice::worker
