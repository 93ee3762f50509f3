// Block events on their way from one lcore to the control thread. An event holds the listed name,
// the group and the incident id; never the client's address nor the name it asked for (DESIGN
// section 8).
//
// Thread safety: one producer, one consumer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "config/generation/format.h"
#include "config/name/folded_name.h"
#include "config/policy/policy.h"
#include "dataplane/act/incident.h"

namespace sluice::index {
class Snapshot;
}

namespace sluice::stats {

/// What carried a name.
enum class Protocol : std::uint8_t { dns, tls, quic, http, dtls, socks };
[[nodiscard]] constexpr std::string_view text(Protocol protocol) {
  constexpr std::array<std::string_view, 6> kTexts = {"dns",  "tls",  "quic",
                                                      "http", "dtls", "socks"};
  return kTexts[static_cast<std::size_t>(protocol)];
}

struct BlockEvent {
  act::IncidentId incident;
  Protocol protocol = Protocol::dns;
  policy::Reason reason = policy::Reason::category;
  std::uint8_t category = 0;
  generation::Layer layer = generation::Layer::authority;
  std::uint16_t group = 0;
  std::uint8_t listed_length = 0;
  std::uint32_t provenance = 0;
  std::uint64_t generation = 0;
  /// What `group` is an index into. Lives until the event is collected: a swap collects what the
  /// workers judged by the old snapshot before that one goes.
  const index::Snapshot* judged_by = nullptr;
  std::array<char, name::kMaxWireOctets + 1> listed;  // the entry's name, as of a FoldedName
};

class EventRing {
 public:
  /// By the producer: the slot that the next event is written to, with what an older one left
  /// there; null when the ring is full. publish() hands it over.
  [[nodiscard]] BlockEvent* claim() {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == kSlots) return nullptr;
    return &slots_[head % kSlots];
  }
  void publish() {
    head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// By the consumer; false when the ring is empty.
  bool pop(BlockEvent& event) {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return false;
    event = slots_[tail % kSlots];
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

 private:
  static constexpr std::uint32_t kSlots = 1024;
  alignas(64) std::atomic<std::uint32_t> head_{0};  // written by the producer
  alignas(64) std::atomic<std::uint32_t> tail_{0};  // written by the consumer
  alignas(64) std::array<BlockEvent, kSlots> slots_;
};

}  // namespace sluice::stats
