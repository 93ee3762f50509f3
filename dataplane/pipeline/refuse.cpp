// What becomes of a frame that carries a blocked name: DESIGN section 6.
#include <cstring>

#include "dataplane/act/dns_answer.h"
#include "dataplane/act/http_page.h"
#include "dataplane/act/plain_answer.h"
#include "dataplane/act/quic_close.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

using packet::Way;
using stats::Id;
using stats::Protocol;

// RFC 8446 6: a fatal alert, access_denied.
constexpr std::array<std::uint8_t, 7> kAccessDenied = {21, 3, 3, 0, 2, 2, 49};
constexpr std::uint32_t kNoProvenance = UINT32_MAX;
constexpr std::uint8_t kLastSegment = packet::kTcpPsh | packet::kTcpAck | packet::kTcpFin;

/// RFC 8914: 16 when an authority ordered it, 17 when the client's own guardian did, 15 when the
/// operator did.
act::ExtendedError error_of(generation::Layer layer, const policy::BlockAnswer& answer) {
  if (layer == generation::Layer::authority || layer == generation::Layer::emergency) {
    return act::ExtendedError::censored;
  }
  return answer.guardian ? act::ExtendedError::filtered : act::ExtendedError::blocked;
}

/// Categories of services that a block page cannot stand in for.
bool may_have_page(std::uint8_t category) {
  return category != policy::kEncryptedDns && category != policy::kProxy;
}

bool is_answerable(const Packet& packet) {
  return packet::has_single_source(packet.view, packet.frame) &&
         !packet::is_group_addressed(packet.view, packet.frame);
}

Id counter_of(const Finding& finding) {
  switch (finding.protocol) {
    case Protocol::tls:
      return Id::tls_blocked;
    case Protocol::quic:
      return Id::quic_blocked;
    case Protocol::http:
      return Id::http_blocked;
    case Protocol::dtls:
      return Id::dtls_blocked;
    case Protocol::socks:
      return Id::socks_blocked;
    case Protocol::dns:
      break;
  }
  return finding.response ? Id::dns_response_blocked : Id::dns_blocked;
}

}  // namespace

// Of what decided, for its finding's verdict; sets how much of the name that lists.
generation::Record Pipeline::deciding_record(std::size_t index) {
  Finding& finding = findings_[index];
  if (finding.verdict.category == 0) {  // no entry allows it, which is the site's own rule
    finding.listed_labels = 0;
    return {.provenance = kNoProvenance, .layer = generation::Layer::site};
  }
  generation::Decider decider;
  if (snapshot_->lookup(lcore_).decider(names_[index], finding.verdict.category,
                                        finding.listed_labels, entries_[index], decider)) {
    finding.listed_labels = decider.labels;
  }
  return decider.record;
}

// What nearly every refusal is: of a query in a plain frame of its own, by the name's absence.
// False where it is anything else.
inline bool Pipeline::answer_plainly(const Finding& finding, std::size_t index) {
  Packet& packet = packets_[finding.packet];
  const packet::Frame& frame = packet.frame;
  if (finding.protocol != Protocol::dns || finding.response || packet.fate != Fate::forward ||
      packet.pieced || frame.kind != packet::FrameKind::udp) {
    return false;
  }
  const inspect::dns::Query& query = asked_messages_[finding.query].query;
  const policy::BlockAnswer& how = snapshot_->groups().answer();
  const std::size_t listed = names_[index].length_of(finding.listed_labels);
  // That it goes to one receiver was seen before the name was looked up.
  if (!act::is_plain_query(frame, query) || how.dns != policy::DnsAnswer::nxdomain || listed == 0 ||
      listed >= query.name.size() || !packet::has_single_source(packet.view, frame) ||
      packet.capacity < act::plain_answer_room(frame, query)) {
    return false;
  }
  if (soa_.ttl() != how.ttl_seconds) soa_.set_ttl(how.ttl_seconds);
  counters_.add(Id::dns_blocked);
  packet.length =
      static_cast<std::uint32_t>(act::write_plain_answer(packet.data, frame, query, listed, soa_));
  packet.fate = Fate::reply;
  return true;
}

void Pipeline::refuse(std::size_t index) {
  const generation::EntryView& entry = entries_[index];
  const Finding& finding = findings_[index];
  const bool simple = finding.verdict.category != 0 && entry.is_simple();
  const generation::Record record = simple ? entry.record(0) : deciding_record(index);
  if (finding.verdict.action != policy::Action::block) return;
  if (answer_plainly(finding, index)) return report(finding, index, record, incidents_.next());
  refuse_at_length(finding, index, record);
}

void Pipeline::refuse_at_length(const Finding& finding, std::size_t index,
                                const generation::Record& record) {
  Packet& packet = packets_[finding.packet];
  // Refused already, for another of its names.
  if (packet.fate == Fate::reply || packet.fate == Fate::drop) return;
  if (packet.pieced && fragments_.is_behind_refusal(packet.datagram, finding.packet)) {
    packet.fate = Fate::drop;
    return counters_.add(Id::fragment_refused_again);
  }
  if (!is_answerable(packet)) return counters_.add(Id::unanswerable);
  const act::IncidentId incident = incidents_.next();
  const policy::BlockAnswer& how = snapshot_->groups().answer();
  const policy::Category* category = policy::find_category(finding.verdict.category);
  const act::DnsBlock block{
      .answer = &how,
      // Time is the site's to give, whoever listed the name.
      .error = error_of(
          finding.verdict.reason == policy::Reason::budget ? generation::Layer::site : record.layer,
          how),
      .category = category != nullptr ? category->name : policy::text(finding.verdict.reason),
      .incident = incident,
      // A name that a response leads to is no part of QNAME.
      .listed_octets = finding.response || finding.verdict.category == 0
                           ? SIZE_MAX
                           : names_[index].length_of(finding.listed_labels),
      .may_have_page = may_have_page(finding.verdict.category),
      .reason = finding.verdict.reason};
  counters_.add(counter_of(finding));
  if (packet.pieced) fragments_.block(packet.datagram, finding.packet);
  if (packet.has_flow() && !finding.response && packet.flow->state != flow::State::blocked) {
    packet.flow->state = flow::State::blocked;
    packet.flow->refused_at = finding.packet;
  }
  if (packet.frame.kind == packet::FrameKind::tcp) {
    refuse_stream(finding, packet, block);
  } else if (finding.protocol != Protocol::dns) {
    refuse_datagram(packet, packet.flow);
  } else {
    // A server's answer is replaced on its way.
    answer(finding, packet, block, finding.response ? Way::onward : Way::back);
  }
  report(finding, index, record, incident);
}

void Pipeline::answer(const Finding& finding, Packet& packet, const act::DnsBlock& block, Way way) {
  const Asked& asked = asked_messages_[finding.query];
  const std::size_t length =
      act::write_dns_datagram(packet.view, packet.frame, way, asked.message, asked.query, block,
                              packet.data, packet.capacity);
  become(packet, way, length);
}

// The frame is one that was made in its place, of so many octets; 0: there was no room.
void Pipeline::become(Packet& packet, Way way, std::size_t length) {
  if (length == 0) {
    packet.fate = Fate::drop;
    return counters_.add(Id::dns_answer_no_room);
  }
  packet.fate = way == Way::back ? Fate::reply : Fate::rewrite;
  packet.length = static_cast<std::uint32_t>(length);
}

// A connection is refused in the name of the server, with what the client understands, and ended in
// the name of the client.
void Pipeline::refuse_stream(const Finding& finding, Packet& packet, const act::DnsBlock& block) {
  packet.fate = Fate::drop;
  const policy::BlockAnswer& answer = *block.answer;
  const bool tls = finding.protocol == Protocol::tls || finding.protocol == Protocol::socks;
  if (tls && answer.tls == policy::TlsRefusal::drop) return;
  if (!may_refuse(packet)) return;
  const Way to_client = finding.response ? Way::onward : Way::back;
  const Way to_server = finding.response ? Way::back : Way::onward;
  // What a SYN carries is refused before there is a connection that could carry more.
  const std::uint8_t flags = packet::tcp_fields(packet.view, packet.frame).flags;
  if ((flags & packet::kTcpSyn) != 0) return reset(packet, to_client);

  std::array<std::uint8_t, act::kMaxDnsMessage + 2> payload;
  std::size_t octets = 0;
  if (finding.protocol == Protocol::dns) {
    const Asked& asked = asked_messages_[finding.query];
    octets =
        act::write_dns_message(asked.message, asked.query, block, std::span(payload).subspan<2>());
    packet::store16(payload.data(), static_cast<std::uint16_t>(octets));
    if (octets != 0) octets += 2;
    if (octets > act::kMaxSegmentPayload) octets = 0;
  } else if (finding.protocol == Protocol::http && answer.http == policy::HttpRefusal::page &&
             !(packet.has_flow() && packet.flow->kind == flow::Kind::h2)) {
    const std::size_t index = static_cast<std::size_t>(&finding - findings_.data());
    std::array<char, name::kMaxTextOctets + 1> text;
    octets = act::write_http_page(
        {.ordered = block.error == act::ExtendedError::censored,
         .head = finding.head,
         .reason = block.reason,
         .category = block.category,
         .name = name::text_of(
             names_[index],
             finding.listed_labels != 0 ? finding.listed_labels : names_[index].label_count, text),
         .incident = block.incident},
        std::span(payload).first<act::kMaxHttpPage>());
  } else if (finding.protocol == Protocol::tls && answer.tls == policy::TlsRefusal::alert) {
    std::memcpy(payload.data(), kAccessDenied.data(), kAccessDenied.size());
    octets = kAccessDenied.size();
  }
  if (octets == 0) {
    reset(packet, to_client);
  } else if (Emission* emission = emit(packet, to_client)) {
    const auto numbers = act::numbers_after(packet.view, packet.frame, to_client);
    emission->length = static_cast<std::uint16_t>(
        act::write_tcp_segment(packet.view, packet.frame, to_client, numbers, kLastSegment,
                               {payload.data(), octets}, emission->bytes.data()));
  }
  reset(packet, to_server);
}

void Pipeline::refuse_datagram(Packet& packet, flow::Flow* flow) {
  packet.fate = Fate::drop;
  if (flow == nullptr || flow->kind != flow::Kind::quic) return;
  if (snapshot_->groups().answer().quic == policy::QuicRefusal::drop) return;
  // Only a long header asks for a connection, and is answered.
  const auto payload = payload_of(packet);
  if (payload.empty() || (payload[0] & 0x80) == 0 || !may_refuse(packet)) return;
  close_quic(packet, flows_.state<inspect::quic::Connection>(*flow));
}

void Pipeline::close_quic(const Packet& packet, const inspect::quic::Connection& connection) {
  std::array<std::uint8_t, act::kMaxQuicCloseOctets> message;
  const std::size_t octets =
      act::write_quic_close(connection, "blocked by policy", *crypto_, message.data());
  Emission* emission = octets == 0 ? nullptr : emit(packet, Way::back);
  if (emission == nullptr) return;
  emission->length = static_cast<std::uint16_t>(
      act::write_udp_datagram(packet.view, packet.frame, Way::back, {message.data(), octets},
                              emission->bytes.data(), emission->bytes.size()));
}

// A later frame of a flow that was refused.
void Pipeline::refuse_again(Packet& packet) {
  flow::Flow& flow = *packet.flow;
  counters_.add(Id::flow_refused_again);
  flows_.touch(flow, now_ms_);
  packet.fate = Fate::drop;
  if (packet.frame.kind != packet::FrameKind::tcp) return refuse_datagram(packet, &flow);
  const bool tls = flow.kind == flow::Kind::tls;
  if (tls && snapshot_->groups().answer().tls == policy::TlsRefusal::drop) return;
  if (!may_refuse(packet)) return;
  packet.server_expects = packet::tcp_fields(packet.view, packet.frame).sequence;
  reset(packet, Way::back);
  if ((packet::tcp_fields(packet.view, packet.frame).flags & packet::kTcpSyn) == 0) {
    reset(packet, Way::onward);
  }
}

void Pipeline::reset(Packet& packet, Way way) {
  act::TcpNumbers numbers = act::numbers_after(packet.view, packet.frame, way);
  if (way == Way::onward && packet.has_flow() && packet.server_expects != numbers.sequence) {
    // With several copies of the octets, nobody knows which ones the server took.
    if (packet.flow->reading_count > 1) write_reset(packet, way, numbers);
    numbers.sequence = packet.server_expects;
  }
  write_reset(packet, way, numbers);
}

void Pipeline::write_reset(Packet& packet, Way way, act::TcpNumbers numbers) {
  Emission* emission = emit(packet, way);
  if (emission == nullptr) return;
  emission->length = static_cast<std::uint16_t>(
      act::write_tcp_segment(packet.view, packet.frame, way, numbers,
                             packet::kTcpRst | packet::kTcpAck, {}, emission->bytes.data()));
}

Emission* Pipeline::emit(const Packet& packet, Way way) {
  if (emitted_ == emissions_.size()) return nullptr;
  Emission& emission = emissions_[emitted_++];
  emission.packet = index_of(packet);
  emission.way = way;
  emission.length = 0;
  return &emission;
}

bool Pipeline::may_refuse(const Packet& packet) {
  if (!is_answerable(packet)) return false;
  flow::Key client;
  client.client = packet.judge ? packet::source_address(packet.view, packet.frame)
                               : packet::destination_address(packet.view, packet.frame);
  if (limiter_.allow(flow::hash(client, secret_), now_ms_)) return true;
  counters_.add(Id::refusals_limited);
  return false;
}

void Pipeline::report(const Finding& finding, std::size_t index, const generation::Record& record,
                      act::IncidentId incident) {
  if (events_ == nullptr) return;
  stats::BlockEvent* event = events_->claim();
  if (event == nullptr) return counters_.add(Id::events_lost);
  event->incident = incident;
  event->protocol = finding.protocol;
  event->reason = finding.verdict.reason;
  event->category = finding.verdict.category;
  event->layer = record.layer;
  event->group = finding.group;
  event->provenance = record.provenance;
  event->generation = snapshot_->generation().header().generation;
  event->judged_by = snapshot_;
  const std::string_view listed = names_[index].suffix(finding.listed_labels);
  event->listed_length = static_cast<std::uint8_t>(listed.size());
  // In whole blocks, for which both have room.
  for (std::size_t at = 0; at < listed.size(); at += 16) {
    std::memcpy(&event->listed[at], listed.data() + at, 16);
  }
  events_->publish();
}

}  // namespace sluice::pipeline
