// The way of a burst: parse, classify, look up, decide, act; each a pass over all frames. Knows
// bytes, not ports: the workers run it over mbufs and sluice-replay over captures, so that both do
// the same.
//
// Thread safety: one Pipeline belongs to one lcore. process() neither allocates, locks nor logs.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/act/incident.h"
#include "dataplane/act/tcp_reset.h"
#include "dataplane/index/snapshot.h"
#include "dataplane/inspect/dns/query.h"
#include "dataplane/packet/frame.h"
#include "dataplane/stats/counters.h"
#include "dataplane/stats/event_ring.h"

namespace sluice::pipeline {

inline constexpr std::size_t kBurst = 32;
inline constexpr std::size_t kMaxFindings = kBurst * 4;

enum class Fate : std::uint8_t {
  forward,  // leaves the other port, unchanged
  reply,    // now holds an answer that leaves the port it came in on
  drop,
};

/// One frame of a burst. The caller fills in the upper part.
struct Packet {
  std::uint8_t* data = nullptr;
  std::uint32_t length = 0;    // octets of frame; changed where the fate is reply
  std::uint32_t capacity = 0;  // octets from data to the end of the buffer
  std::uint16_t port = 0;      // policy::Client::port; meaningful where judge is set
  bool judge = false;          // came in on an inside port, in one buffer

  Fate fate = Fate::forward;
  packet::Frame frame;
};

/// A name that was found, and what became of it.
struct Finding {
  std::uint8_t packet = 0;  // index into the burst
  stats::Protocol protocol = stats::Protocol::dns;
  std::uint8_t transport = 0;      // IP protocol number
  std::uint8_t listed_labels = 0;  // of the deciding entry; 0 for none
  std::uint16_t group = 0;
  policy::Verdict verdict;
  inspect::dns::Query query;  // where protocol is dns
};

/// A frame made here, to be sent besides the burst.
struct Emission {
  std::uint8_t packet = 0;  // the frame that caused it
  packet::Toward toward = packet::Toward::client;
  std::uint16_t length = 0;
  std::array<std::uint8_t, act::kMaxResetOctets> bytes;
};

class Pipeline {
 public:
  /// `lcore`: which of the snapshot's look-ups is ours. `secret`: random, for incident ids.
  /// `events` may be null.
  Pipeline(unsigned lcore, std::uint64_t secret, stats::Counters& counters,
           stats::EventRing* events)
      : lcore_(lcore), incidents_(secret, lcore), counters_(counters), events_(events) {}

  /// At most kBurst packets. Sets fate, length and bytes of each; findings() and emissions() hold
  /// for this burst until the next call.
  void process(const index::Snapshot& snapshot, std::span<Packet> packets);

  [[nodiscard]] std::span<const Finding> findings() const { return {findings_.data(), found_}; }
  [[nodiscard]] const name::LookupName& name(std::size_t finding) const { return names_[finding]; }
  [[nodiscard]] std::span<const Emission> emissions() const {
    return {emissions_.data(), emitted_};
  }

 private:
  void parse(std::span<Packet> packets);
  void classify(std::span<Packet> packets);
  void look_up(const index::Snapshot& snapshot);
  void decide(const index::Snapshot& snapshot, std::span<Packet> packets);
  void act(const index::Snapshot& snapshot, std::span<Packet> packets);

  void find_in_dns(std::uint8_t index, Packet& packet);
  void find_in_tls(std::uint8_t index, Packet& packet);
  void count_frame(packet::FrameKind kind);
  void block_dns(const index::Snapshot& snapshot, const Finding& finding, Packet& packet,
                 const generation::Record& record, act::IncidentId incident);
  void block_tls(const index::Snapshot& snapshot, const Finding& finding, Packet& packet);
  void report(const index::Snapshot& snapshot, const Finding& finding, std::size_t index,
              const generation::Record& record, act::IncidentId incident);

  unsigned lcore_;
  act::IncidentSource incidents_;
  stats::Counters& counters_;
  stats::EventRing* events_;
  std::size_t found_ = 0;
  std::size_t emitted_ = 0;
  std::array<Finding, kMaxFindings> findings_;
  std::array<generation::Answer, kMaxFindings> answers_;
  std::array<name::LookupName, kMaxFindings> names_;
  std::array<const name::LookupName*, kMaxFindings> wanted_;
  std::array<Emission, kBurst * 2> emissions_;
};

}  // namespace sluice::pipeline
