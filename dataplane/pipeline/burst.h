// What the passes over one burst hand on to each other.
//
// Thread safety: belongs to one Pipeline.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "config/generation/reader.h"
#include "config/name/folded_name.h"
#include "config/policy/policy.h"
#include "dataplane/act/tcp_segment.h"
#include "dataplane/flow/table.h"
#include "dataplane/inspect/dns/query.h"
#include "dataplane/inspect/dns/response.h"
#include "dataplane/packet/frame.h"
#include "dataplane/stats/event_ring.h"

namespace sluice::pipeline {

inline constexpr std::size_t kBurst = 32;
inline constexpr std::size_t kMaxFindings = 512;
inline constexpr std::size_t kMaxQueries = 256;

inline constexpr std::size_t kMaxNamesOfMessage =
    inspect::dns::kMaxQuestions + inspect::dns::kMaxChain;
static_assert(kMaxFindings >= kBurst + kMaxNamesOfMessage);

inline constexpr std::uint16_t kNoGroup = UINT16_MAX;

enum class Fate : std::uint8_t {
  forward,  // leaves the other port, unchanged
  rewrite,  // leaves the other port, and was changed here
  reply,    // now holds an answer that leaves the port it came in on
  drop,
};

/// One frame of a burst. The caller fills in the upper part.
struct Packet {
  std::uint8_t* data = nullptr;
  std::uint32_t length = 0;     // octets of frame; changed where the fate is reply or rewrite
  std::uint32_t capacity = 0;   // octets from data to the end of the buffer
  std::uint16_t port = 0;       // policy::Client::port; meaningful where judge is set
  std::uint16_t wire = 0;       // the same for both ports of a pair
  bool judge = false;           // a client's frame: came in on an inside port, in one buffer
  bool answers = false;         // a server's frame: came in on an outside port, in one buffer
  bool snapped = false;         // a capture's snap length cut it: read as far as it goes
  bool trust_checksum = false;  // captured where checksums are left to the card

  Fate fate = Fate::forward;
  packet::Frame frame;
  /// What is looked at: the frame, or the datagram that it completes, under its headers.
  std::span<const std::uint8_t> view;
  bool fragment = false;  // came as one; datagram is flow::Fragments' handle
  bool pieced = false;    // view is such a datagram
  std::uint32_t datagram = 0;
  std::uint64_t flow_hash =
      0;  // of TCP, where it may be needed; of the client's way if judge is set
  flow::Flow* flow = nullptr;  // whose undecided or refused octets this frame carries
  std::uint64_t flow_serial = 0;
  std::uint32_t server_expects = 0;  // TCP: the next sequence number that the server lacks

  /// False where the flow was closed within this burst, whether or not another took its place.
  [[nodiscard]] bool has_flow() const {
    return flow != nullptr && flow->used && flow->serial == flow_serial;
  }
  void carry(flow::Flow* of) {
    flow = of;
    if (of != nullptr) flow_serial = of->serial;
  }
};

enum class Ech : std::uint8_t { none, grease, real };

/// A name that was found, and what became of it.
struct Finding {
  std::uint8_t packet = 0;  // index into the burst
  stats::Protocol protocol = stats::Protocol::dns;
  std::uint8_t transport = 0;      // IP protocol number
  std::uint8_t listed_labels = 0;  // of the deciding entry; 0 for none
  bool response = false;           // a name that a server's answer leads to
  bool led_to = false;             // of those, none that was asked for
  bool odd = false;                // no host name's labels: it counts only where it is listed
  bool head = false;               // HTTP: no content in the answer
  Ech ech = Ech::none;             // TLS, QUIC: what the ClientHello's ECH is taken to be
  std::uint16_t group = kNoGroup;  // where the verdict needed it
  std::uint16_t query = 0;         // index into the burst's queries, where protocol is dns
  policy::Verdict verdict;
};

/// A DNS message that was read, for its answer.
struct Asked {
  std::span<const std::uint8_t> message;
  inspect::dns::Query query;
};

/// A frame made here, to be sent besides the burst.
struct Emission {
  std::uint8_t packet = 0;              // the frame that caused it
  packet::Way way = packet::Way::back;  // back: out of the port which that frame came in on
  std::uint16_t length = 0;
  std::array<std::uint8_t, act::kMaxSegmentOctets> bytes;
};

}  // namespace sluice::pipeline
