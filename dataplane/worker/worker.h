// One run-to-completion worker: receives on its own queues, judges, and sends; nothing else touches
// its state. Where a device has fewer queues than there are workers, the owners of the queues hand
// frames to the others by flow, over single-producer single-consumer rings, and get them back to
// send.
//
// Thread safety: run() on one lcore. counters(), events(), activity() and sightings() may be read
// by the control thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <poll.h>
#include <span>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/stats/counters.h"
#include "dataplane/stats/event_ring.h"
#include "dataplane/worker/shared.h"

struct rte_mbuf;
struct rte_ring;

namespace sluice::worker {

struct FreeRing {
  void operator()(rte_ring* ring) const;
};
using RingPtr = std::unique_ptr<rte_ring, FreeRing>;

/// On lines of its own: what one worker writes, no other one reads or writes beside it.
class alignas(64) Worker {
 public:
  Worker(unsigned index, Shared& shared);

  /// Queue `queue` of `port` is received and sent by this worker. `wait_descriptors`: what becomes
  /// readable when a frame arrives; empty where the queue can only be polled.
  void own(std::uint16_t port, std::uint16_t queue, std::span<const int> wait_descriptors);

  /// Lets `owner` share its frames with `helper`. Control thread, before the workers run.
  [[nodiscard]] static Status connect(Worker& owner, Worker& helper);

  /// Until shared.stop. A burst that was received is sent; what then lies in the rings between two
  /// workers is lost with them.
  void run();

  [[nodiscard]] const stats::Counters& counters() const { return *counters_; }
  [[nodiscard]] stats::EventRing& events() { return *events_; }
  [[nodiscard]] const budget::Activity& activity() const { return pipeline_->activity(); }
  [[nodiscard]] neighbour::SightingRing& sightings() { return pipeline_->sightings(); }
  [[nodiscard]] const trial::PassedNames& passed() const { return pipeline_->passed(); }

 private:
  struct Queue {
    std::uint16_t port;
    std::uint16_t queue;
  };
  /// One direction of the exchange with another worker.
  struct Link {
    RingPtr work;     // owner -> helper: frames to judge
    RingPtr results;  // helper -> owner: frames to send, mbuf->port being the port to send on
    // The owner's, within a burst: what goes to this helper.
    alignas(64) std::array<rte_mbuf*, pipeline::kBurst> share;
    std::uint16_t shared = 0;
  };
  struct Outgoing {
    std::array<rte_mbuf*, pipeline::kBurst * 4> frames;
    std::uint16_t count = 0;
  };

  std::size_t turn();
  std::size_t receive(const Queue& queue);
  std::size_t help(rte_ring* work);
  std::size_t send_results(rte_ring* results);
  void distribute(std::span<rte_mbuf*> frames);
  void judge(std::span<rte_mbuf*> frames);
  void time_burst(std::uint64_t now);
  void without_generation(std::span<rte_mbuf*> frames);
  void send_burst(std::span<rte_mbuf*> frames, const PortRole& role);
  void apply_fates(std::span<rte_mbuf*> frames);
  void emit(std::size_t cause, std::uint16_t from);
  void queue_for(std::uint16_t port, rte_mbuf* frame);
  void flush();
  void send(std::uint16_t port, std::span<rte_mbuf*> frames);
  void send_back(std::uint16_t port, std::span<rte_mbuf*> frames);
  void idle(std::size_t frames);
  [[nodiscard]] bool frames_come_fast();
  [[nodiscard]] bool wait();

  unsigned index_;
  Shared& shared_;
  std::uint64_t cycles_a_ms_;
  std::unique_ptr<stats::Counters> counters_;
  std::unique_ptr<stats::EventRing> events_;
  std::unique_ptr<pipeline::Pipeline> pipeline_;
  const index::Snapshot* snapshot_ = nullptr;

  std::vector<Queue> owned_;
  std::vector<std::shared_ptr<Link>> helpers_;  // we own the queues, they help
  std::vector<std::shared_ptr<Link>> owners_;   // we help them
  Link* returning_to_ = nullptr;                // whose frames are being judged; null: our own

  std::array<pipeline::Packet, pipeline::kBurst> packets_;
  std::array<Outgoing, RTE_MAX_ETHPORTS> outgoing_;
  std::array<std::uint16_t, RTE_MAX_ETHPORTS> pending_;  // ports with outgoing frames
  std::uint16_t pending_count_ = 0;
  std::uint64_t last_burst_ = 0;  // when it was judged; 0 behind a rest
  std::uint32_t empty_turns_ = 0;
  std::uint64_t idle_before_ = 0;      // when it last slept or waited
  std::uint64_t received_before_ = 0;  // frames until then
  bool gathers_ = false;               // sleeps between bursts that are not full
  std::vector<pollfd> waiting_on_;
  bool can_wait_ = true;  // every owned queue has a descriptor, and no other worker feeds us
};

}  // namespace sluice::worker
