// TCP segments into the readings of their flow: which octets a server would accept, and where they
// belong. RFC 9293 3.4 (sequence numbers), RFC 7413 (data in a SYN), RFC 5961 (what a reset is
// worth).
#include <algorithm>
#include <cstring>

#include "dataplane/inspect/dns/stream.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

using stats::Id;

constexpr std::uint16_t kDnsPort = 53;
/// Of a stream that nothing is read of any more: sequence numbers come again.
constexpr std::uint32_t kMaxStreamOctets = std::uint32_t{1} << 30;
/// Frames that change nothing of a flow keep it no more often than this.
constexpr std::uint64_t kTouchMs = 1000;
// RFC 8446 4.1.3: a ServerHello with this random is a HelloRetryRequest, and another ClientHello
// follows.
constexpr std::array<std::uint8_t, 32> kRetryRandom = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/// An interim answer (RFC 9110 15.2): the request's body, and others, may still come. Not 101,
/// behind which another protocol starts.
bool is_interim(std::span<const std::uint8_t> octets) {
  constexpr std::string_view kVersion = "HTTP/1.";
  return octets.size() > kVersion.size() + 4 && octets[8] == ' ' && octets[9] == '1' &&
         !(octets[10] == '0' && octets[11] == '1') &&
         std::equal(kVersion.begin(), kVersion.end(), octets.begin());
}

bool is_hello_retry_request(std::span<const std::uint8_t> octets) {
  constexpr std::size_t kRandomAt = 5 + 4 + 2;
  return octets.size() >= kRandomAt + kRetryRandom.size() && octets[0] == 22 && octets[5] == 2 &&
         std::equal(kRetryRandom.begin(), kRetryRandom.end(), octets.begin() + kRandomAt);
}

/// A response to a standard query with one question: what stands in the middle of one is not.
bool is_response(std::span<const std::uint8_t> message) {
  return message.size() >= 12 && (message[2] & 0xf8) == 0x80 && packet::load16(&message[4]) == 1;
}

/// Whether a segment has octets of the first kLargeOctets of a stream that starts at `start`.
bool covers(std::uint32_t start, std::uint32_t sequence, std::size_t octets) {
  const auto offset = static_cast<std::int32_t>(sequence - start);
  return offset < 0 ? start - sequence < octets : sequence - start < flow::kLargeOctets;
}

/// The start that the segment belongs to, of those that SYNs told.
std::optional<std::uint32_t> start_of(const flow::SynCache::Syn& syn, std::uint32_t sequence,
                                      std::size_t octets) {
  if (covers(syn.sequence + 1, sequence, octets)) return syn.sequence + 1;
  if (syn.earlier && covers(*syn.earlier + 1, sequence, octets)) return *syn.earlier + 1;
  return std::nullopt;
}

template <class Test>
bool any_reading(const flow::Flow& flow, Test test) {
  return std::any_of(flow.readings.begin(), flow.readings.begin() + flow.reading_count, test);
}

/// Octets at the readings' front that none of them has a use for any more.
std::uint32_t done_with(const flow::Flow& flow) {
  std::uint32_t done = UINT32_MAX;
  for (unsigned i = 0; i < flow.reading_count; ++i) {
    const flow::Reading& reading = flow.readings[i];
    if (reading.wanted != flow::kSettled) done = std::min(done, reading.start);
  }
  return done;
}

void forget_front(flow::Flow& flow, std::uint32_t octets) {
  for (unsigned i = 0; i < flow.reading_count; ++i) {
    flow::Reading& reading = flow.readings[i];
    if (reading.start == octets && reading.wanted != flow::kSettled) flow.base_kind = reading.kind;
    reading.assembly.consume(octets);
    reading.start -= std::min(octets, reading.start);
  }
  flow.base += octets;
}

/// Of octets that came by here; any other acknowledgement is none of this server's.
void note_acknowledgement(flow::Flow& flow, std::uint32_t number) {
  const auto taken = static_cast<std::int32_t>(number - flow.base);
  const auto lacks = [taken](const flow::Reading& one) {
    return one.assembly.contiguous().size() < static_cast<std::uint32_t>(taken);
  };
  if (taken <= 0 || static_cast<std::int32_t>(number - flow.acked) <= 0) return;
  if (!any_reading(flow, lacks)) flow.acked = number;
}

}  // namespace

void Pipeline::from_server(Packet& packet) {
  const packet::TcpFields tcp = packet::tcp_fields(packet.view, packet.frame);
  const auto payload = payload_of(packet);
  if (tcp.source_port == kDnsPort) find_in_responses(packet, payload);
  const std::uint64_t hash =
      packet.judge ? flow::hash(key_of(packet, true), secret_) : packet.flow_hash;
  const bool rst = (tcp.flags & packet::kTcpRst) != 0;
  if (active_.any() && !rst && is_cut(packet, true, hash)) return;
  if (!flows_.may_hold(hash)) return;
  flow::Flow* flow = flows_.find(key_of(packet, true), hash);
  if (flow == nullptr || rst) return;
  if (flow->state == flow::State::blocked) {
    packet.fate = Fate::drop;
    return counters_.add(Id::flow_refused_again);
  }
  if ((tcp.flags & packet::kTcpSyn) != 0) {
    // Data of the SYN that is not acknowledged is sent again (RFC 7413 4.2.2).
    if (tcp.acknowledgement == flow->base && flow->syn_data) {
      flows_.drop_readings(*flow);
      flow->syn_data = false;
      flow->kind = flow::Kind::unknown;
      flow->state = flow::State::undecided;
    }
    return;
  }
  if ((tcp.flags & packet::kTcpAck) != 0) note_acknowledgement(*flow, tcp.acknowledgement);
  if (payload.empty() || flow->state != flow::State::passed) return;
  if (flow->kind == flow::Kind::dns || is_hello_retry_request(payload)) return;
  const bool http = flow->kind == flow::Kind::http || flow->kind == flow::Kind::http_chunk;
  if (http && is_interim(payload)) return;
  // Behind the request that it answers, another one has begun.
  const auto goes_on = [](const flow::Reading& one) {
    return one.in_progress() ||
           (one.kind == flow::Kind::http_chunk && one.wanted != flow::kSettled);
  };
  if (http && any_reading(*flow, goes_on)) return;
  give_up(*flow);  // the server has answered: the pass is final
  const flow::Reading& reading = flow->readings[0];
  if (http && flow->reading_count == 1 && reading.wanted != flow::kSettled) {
    // Where the connection's next request begins, as if a SYN had said so.
    syns_.put(hash, {flow->base + reading.start - 1}, now_ms_);
  }
}

// What a server sends is not put together. But aliases stand at the front of an answer, so that the
// segment which it starts in tells them.
void Pipeline::find_in_responses(Packet& packet, std::span<const std::uint8_t> octets) {
  std::span<const std::uint8_t> message;
  bool behind_another = false;
  while (inspect::dns::next_message(octets, message) == inspect::Outcome::found) {
    if (is_response(message)) find_in_response(packet, message);
    octets = octets.subspan(inspect::dns::kLengthOctets + message.size());
    behind_another = true;
  }
  if (octets.size() < inspect::dns::kLengthOctets) return;
  if (const auto start = octets.subspan(inspect::dns::kLengthOctets); is_response(start)) {
    find_in_response(packet, start, true);
  } else if (!behind_another && is_response(octets)) {
    find_in_response(packet, octets);  // some servers send the length in a segment of its own
  }
}

void Pipeline::from_client(Packet& packet) {
  const packet::TcpFields tcp = packet::tcp_fields(packet.view, packet.frame);
  // A reset ends the connection by itself, and is never answered (RFC 9293 3.10.7). One that does
  // not reach the server must not end what is known of the flow.
  if ((tcp.flags & packet::kTcpRst) != 0) return;
  if (refuses_encrypted_dns(packet) && refuse_encrypted_dns(packet, true)) return;
  const bool syn = (tcp.flags & (packet::kTcpSyn | packet::kTcpAck)) == packet::kTcpSyn;
  const auto payload = payload_of(packet);
  const bool urgent = (tcp.flags & packet::kTcpUrg) != 0;
  if (payload.empty() && !syn && !urgent) return;
  if (active_.any() && is_cut(packet, false, packet.flow_hash)) return;
  const flow::Key key = key_of(packet, false);
  const std::uint64_t hash = packet.flow_hash;
  flow::Flow* flow = flows_.may_hold(hash) ? flows_.find(key, hash) : nullptr;
  std::uint32_t sequence = tcp.sequence;
  if (payload.empty() && !syn) {
    // The pointer counts without octets, too.
    if (flow != nullptr || syns_.get(hash, now_ms_)) clear_urgent(packet);
    return;
  }
  if (syn) {
    if (!has_good_checksum(packet)) return counters_.add(Id::tcp_bad_checksum);
    ++sequence;
    // Another initial sequence number is another connection, if the server is done with this one:
    // that is not known, so that nothing that was read of it is forgotten yet.
    if (flow != nullptr && flow->state == flow::State::blocked && sequence != flow->base) {
      flows_.close(*flow);
      flow = nullptr;
    }
    syns_.put(hash, {tcp.sequence}, now_ms_);
    if (payload.empty()) return;
  }
  if (flow != nullptr && flow->state == flow::State::blocked) {
    packet.carry(flow);
    return refuse_again(packet);
  }
  if (flow != nullptr && flow->closing && !awaits_verdict(*flow)) {
    // Given up within this burst, and these octets come behind what was given up.
    flows_.close(*flow);
    flow = nullptr;
  }
  if (flow != nullptr) packet.carry(flow);
  packet.server_expects = sequence;
  const bool covered =
      flow != nullptr && flow->known_start && covers(flow->base, sequence, payload.size());
  const auto syn_seen = covered ? std::nullopt : syns_.get(hash, now_ms_);
  if (flow == nullptr && !syn_seen && !is_start(payload, tcp.destination_port)) {
    return;  // octets from the middle of a stream whose start was judged, or is unknown
  }
  if (!is_acceptable(packet, tcp)) return;
  if (!covered) {
    const auto start = syn_seen ? start_of(*syn_seen, sequence, payload.size()) : std::nullopt;
    if (start && flow != nullptr && *start != flow->origin) {
      // Of another connection than the flow's, or the flow began as something that its server
      // drops.
      flows_.close(*flow);
      flow = nullptr;
    }
    if (flow == nullptr) {
      if (!start && !is_start(payload, tcp.destination_port)) return;
      flow = open_stream(key, hash, start.value_or(sequence));
      if (flow == nullptr) return in_doubt(packet, Id::flow_table_full);
      flow->known_start = start.has_value();
    } else if (flow->forgot_in == burst_ && static_cast<std::int32_t>(sequence - flow->base) < 0) {
      // Before what is still held of this burst's own octets: the copy that was read goes on alone.
      packet.fate = Fate::drop;
      return counters_.add(Id::flow_conflict_again);
    }
  }
  packet.carry(flow);
  flow->syn_data = syn && (flow->syn_data || flow->reading_count == 0);
  counters_.add(Id::inspected);
  if (urgent) clear_urgent(packet);
  if (packet.fate != Fate::drop) add_octets(packet, *flow, sequence);
}

bool Pipeline::awaits_verdict(const flow::Flow& flow) const {
  return std::any_of(findings_.begin(), findings_.begin() + static_cast<std::ptrdiff_t>(found_),
                     [&](const Finding& one) { return packets_[one.packet].flow == &flow; });
}

// Whether a server takes the segment's octets: what it surely drops must not be read in their
// place.
bool Pipeline::is_acceptable(const Packet& packet, const packet::TcpFields& tcp) {
  if ((tcp.flags & (packet::kTcpAck | packet::kTcpSyn)) == 0) {
    counters_.add(Id::tcp_not_accepted);
    return false;
  }
  if (has_good_checksum(packet)) return true;
  counters_.add(Id::tcp_bad_checksum);
  return false;
}

bool Pipeline::has_good_checksum(const Packet& packet) const {
  const packet::Frame& frame = packet.frame;
  if (packet.trust_checksum || frame.cut) return true;
  const auto segment = packet.view.subspan(
      frame.transport_offset,
      frame.payload_offset + std::size_t{frame.payload_length} - frame.transport_offset);
  const auto addresses =
      packet.view.subspan(frame.network_offset + (frame.ipv6 ? 8U : 12U), frame.ipv6 ? 32 : 8);
  return packet::tcp_checksum(addresses, segment) != packet::ChecksumState::bad;
}

flow::Flow* Pipeline::open_stream(const flow::Key& key, std::uint64_t hash,
                                  std::uint32_t sequence) {
  flow::Flow* flow = flows_.open(key, hash, now_ms_);
  if (flow == nullptr) return nullptr;
  flow->origin = sequence;
  flow->base = sequence;
  flow->acked = sequence;
  counters_.add(Id::flow_opened);
  return flow;
}

// Octets are kept until the server has answered, also those of messages that passed: others may
// come in their place.
void Pipeline::add_octets(Packet& packet, flow::Flow& flow, std::uint32_t sequence) {
  auto payload = payload_of(packet);
  const std::uint32_t kept =
      flow.reading_count == 0
          ? 0
          : static_cast<std::uint32_t>(flow.readings[0].assembly.contiguous().size());
  // A segment that starts before what is kept: the server has got nothing of it.
  packet.server_expects = sequence - flow.base > flow::kLargeOctets ? sequence : flow.base + kept;
  // What the server has taken, no other copy replaces; nor is what stands before the stream of it.
  const std::uint32_t first =
      static_cast<std::int32_t>(flow.acked - flow.base) > 0 ? flow.acked : flow.base;
  if (const auto before = static_cast<std::int32_t>(first - sequence); before > 0) {
    if (static_cast<std::uint32_t>(before) >= payload.size()) return;
    payload = payload.subspan(static_cast<std::size_t>(before));
    sequence = first;
  }
  std::uint32_t at = sequence - flow.base;
  if (at > kMaxStreamOctets) return give_up(flow);
  const std::uint32_t room =
      flow.reading_count == 0 ? flow::kSmallOctets : flow.readings[0].assembly.capacity();
  if (at + payload.size() > room && flow.reading_count > 0) {
    const std::uint32_t done = done_with(flow);
    if (done >= at + payload.size()) {  // of a body, or nothing is wanted any more
      payload = payload.first(room > at ? room - at : 0);
    } else if (done > 0) {
      forget_front(flow, done);
      flow.forgot_in = burst_;
      payload = payload.subspan(done > at ? done - at : 0);
      at -= std::min(at, done);
    }
    // Behind the gap, nothing of the next message is needed before its front.
    const auto goes_on = [](const flow::Reading& one) {
      return one.in_progress() && (one.kind != flow::Kind::tls || !one.message().empty());
    };
    if (flow.state == flow::State::passed && at + payload.size() > room &&
        !any_reading(flow, goes_on)) {
      payload = payload.first(room > at ? room - at : 0);
    }
  }
  if (payload.empty()) {
    if (flow.touched_ms + kTouchMs < now_ms_) flows_.touch(flow, now_ms_);
    return;
  }
  if (at >= flow::kLargeOctets) return in_doubt(packet, Id::flow_too_long);
  if (!write_octets(packet, flow, 0, at, payload)) return;
  for (unsigned i = 0; i < flow.reading_count; ++i) read_stream(packet, flow, i);
}

// An urgent octet is left out of the stream by some receivers and kept by others. Without the flag
// all of them keep it, as it is kept here.
void Pipeline::clear_urgent(Packet& packet) {
  if (packet.pieced) {  // no sender cuts such a segment, and the fragment with the flag is gone
    packet.fate = Fate::drop;
    return counters_.add(Id::tcp_urgent_fragment);
  }
  std::uint8_t* tcp = packet.data + packet.frame.transport_offset;
  // RFC 1624: the checksum follows from what changes in the sum.
  const std::uint16_t before = packet::load16(tcp + 12);
  const std::uint16_t pointer = packet::load16(tcp + 18);
  tcp[13] &= static_cast<std::uint8_t>(~packet::kTcpUrg);
  packet::store16(tcp + 18, 0);
  const std::uint32_t sum = std::uint32_t{static_cast<std::uint16_t>(~packet::load16(tcp + 16))} +
                            static_cast<std::uint16_t>(~before) + packet::load16(tcp + 12) +
                            static_cast<std::uint16_t>(~pointer);
  packet::store16(tcp + 16, packet::checksum_fold(sum));
  packet.fate = Fate::rewrite;
  counters_.add(Id::tcp_urgent_cleared);
}

}  // namespace sluice::pipeline
