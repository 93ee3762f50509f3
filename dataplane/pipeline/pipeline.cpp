#include "dataplane/pipeline/pipeline.h"

#include <cstring>

#include "dataplane/act/dns_answer.h"
#include "dataplane/inspect/tls/client_hello.h"
#include "dataplane/packet/bytes.h"

namespace sluice::pipeline {
namespace {

using packet::FrameKind;
using packet::Toward;
using stats::Id;

constexpr std::uint16_t kDnsPort = 53;

std::span<const std::uint8_t> bytes_of(const Packet& packet) {
  return {packet.data, packet.length};
}

std::span<const std::uint8_t> payload_of(const Packet& packet) {
  return bytes_of(packet).subspan(packet.frame.payload_offset, packet.frame.payload_length);
}

bool is_answerable(const Packet& packet) {
  return packet::has_single_source(bytes_of(packet), packet.frame) &&
         !packet::is_group_addressed(bytes_of(packet), packet.frame);
}

Id counter_of(inspect::dns::Defect defect) {
  switch (defect) {
    case inspect::dns::Defect::short_header:
      return Id::dns_short_header;
    case inspect::dns::Defect::question_count:
      return Id::dns_question_count;
    case inspect::dns::Defect::pointer:
      return Id::dns_pointer;
    case inspect::dns::Defect::label_type:
      return Id::dns_label_type;
    case inspect::dns::Defect::name_too_long:
      return Id::dns_name_too_long;
    case inspect::dns::Defect::cut_record:
      return Id::dns_cut_record;
    case inspect::dns::Defect::duplicate_opt:
      return Id::dns_duplicate_opt;
    case inspect::dns::Defect::cut_question:
    case inspect::dns::Defect::none:
      break;
  }
  return Id::dns_cut_question;
}

/// RFC 8914: 16 when an authority ordered it, 17 when the client's own guardian did, 15 when the
/// operator did.
act::ExtendedError error_of(generation::Layer layer, const policy::BlockAnswer& answer) {
  if (layer == generation::Layer::authority || layer == generation::Layer::emergency) {
    return act::ExtendedError::censored;
  }
  return answer.guardian ? act::ExtendedError::filtered : act::ExtendedError::blocked;
}

}  // namespace

void Pipeline::process(const index::Snapshot& snapshot, std::span<Packet> packets) {
  found_ = 0;
  emitted_ = 0;
  parse(packets);
  classify(packets);
  if (found_ == 0) return;
  look_up(snapshot);
  decide(snapshot, packets);
  act(snapshot, packets);
}

void Pipeline::parse(std::span<Packet> packets) {
  for (Packet& packet : packets) {
    packet.fate = Fate::forward;
    if (!packet.judge) continue;
    packet.frame = packet::parse_frame(bytes_of(packet));
    count_frame(packet.frame.kind);
  }
}

void Pipeline::count_frame(FrameKind kind) {
  switch (kind) {
    case FrameKind::truncated:
      return counters_.add(Id::frame_truncated);
    case FrameKind::malformed_ip:
      return counters_.add(Id::frame_malformed_ip);
    case FrameKind::malformed_transport:
      return counters_.add(Id::frame_malformed_transport);
    case FrameKind::fragment:
      return counters_.add(Id::frame_fragment);
    case FrameKind::too_many_headers:
      return counters_.add(Id::frame_too_many_headers);
    case FrameKind::udp:
    case FrameKind::tcp:
    case FrameKind::not_ip:
    case FrameKind::other_protocol:
      return;
  }
}

void Pipeline::classify(std::span<Packet> packets) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    Packet& packet = packets[i];
    if (!packet.judge) continue;
    const auto index = static_cast<std::uint8_t>(i);
    if (packet.frame.kind == FrameKind::udp) {
      if (packet::load16(packet.data + packet.frame.transport_offset + 2) == kDnsPort) {
        find_in_dns(index, packet);
      }
    } else if (packet.frame.kind == FrameKind::tcp && packet.frame.payload_length > 0) {
      // A reset ends the connection by itself, and is never answered (RFC 9293 3.10.7).
      const std::uint8_t flags = packet::tcp_fields(bytes_of(packet), packet.frame).flags;
      if ((flags & packet::kTcpRst) != 0) continue;
      if (inspect::tls::may_be_tls(payload_of(packet))) find_in_tls(index, packet);
    }
  }
}

void Pipeline::find_in_dns(std::uint8_t index, Packet& packet) {
  counters_.add(Id::inspected);
  Finding& finding = findings_[found_];
  switch (inspect::dns::parse_query(payload_of(packet), finding.query)) {
    case inspect::Outcome::found:
      break;
    case inspect::Outcome::malformed:
      return counters_.add(counter_of(finding.query.defect));
    case inspect::Outcome::no_name:
    case inspect::Outcome::need_more:
      return counters_.add(Id::dns_no_name);
  }
  if (packet::is_group_addressed(bytes_of(packet), packet.frame)) {
    return counters_.add(Id::dns_group_addressed);
  }
  counters_.add(Id::dns_queries);
  finding.packet = index;
  finding.protocol = stats::Protocol::dns;
  finding.transport = packet::kProtocolUdp;
  name::from_wire(finding.query.name, names_[found_]);
  ++found_;
}

void Pipeline::find_in_tls(std::uint8_t index, Packet& packet) {
  counters_.add(Id::inspected);
  inspect::tls::ClientHello hello;
  switch (inspect::tls::parse_client_hello(payload_of(packet), hello)) {
    case inspect::Outcome::found:
      break;
    case inspect::Outcome::malformed:
      // Later in a connection, handshake records are other messages, or encrypted.
      return counters_.add(hello.defect == inspect::tls::Defect::not_client_hello
                               ? Id::tls_other_handshake
                               : Id::tls_malformed);
    case inspect::Outcome::need_more:
      return counters_.add(Id::tls_incomplete);
    case inspect::Outcome::no_name:
      return counters_.add(Id::tls_no_name);
  }
  counters_.add(Id::tls_client_hellos);
  for (std::size_t i = 0; i < hello.name_count; ++i) {
    const name::Defect defect = name::from_text(hello.names[i], names_[found_]);
    if (defect != name::Defect::none) {
      counters_.add(defect == name::Defect::ip_literal ? Id::tls_ip_literal : Id::tls_bad_name);
      continue;
    }
    Finding& finding = findings_[found_++];
    finding.packet = index;
    finding.protocol = stats::Protocol::tls;
    finding.transport = packet::kProtocolTcp;
  }
}

void Pipeline::look_up(const index::Snapshot& snapshot) {
  for (std::size_t i = 0; i < found_; ++i) wanted_[i] = &names_[i];
  snapshot.lookup(lcore_).find({wanted_.data(), found_}, {answers_.data(), found_});
}

void Pipeline::decide(const index::Snapshot& snapshot, std::span<Packet> packets) {
  for (std::size_t i = 0; i < found_; ++i) {
    Finding& finding = findings_[i];
    const Packet& packet = packets[finding.packet];
    policy::Client client;
    std::memcpy(client.mac.data(), packet.data + 6, client.mac.size());
    client.has_ip = true;
    client.ipv6 = packet.frame.ipv6;
    client.address = packet::source_address(bytes_of(packet), packet.frame);
    client.outer_vlan = packet.frame.outer_vlan;
    client.inner_vlan = packet.frame.inner_vlan;
    client.port = packet.port;
    finding.group = snapshot.groups().find(client).group;
    const policy::ResolvedGroup& group = snapshot.groups().groups()[finding.group];
    finding.verdict = policy::decide(answers_[i], group.blocked, group.watched);
    finding.listed_labels = answers_[i].matched_labels;
    switch (finding.verdict.action) {
      case policy::Action::block:
        counters_.add(Id::verdict_block);
        break;
      case policy::Action::log:
        counters_.add(Id::verdict_log);
        break;
      case policy::Action::pass:
      case policy::Action::rewrite:
        counters_.add(Id::verdict_pass);
    }
  }
}

void Pipeline::act(const index::Snapshot& snapshot, std::span<Packet> packets) {
  for (std::size_t i = 0; i < found_; ++i) {
    Finding& finding = findings_[i];
    if (finding.verdict.category == 0) continue;
    const auto decider = snapshot.lookup(lcore_).decider(names_[i], finding.verdict.category);
    if (decider) finding.listed_labels = decider->labels;
    if (finding.verdict.action != policy::Action::block) continue;
    Packet& packet = packets[finding.packet];
    if (packet.fate != Fate::forward) continue;  // refused already, for another of its names
    if (!is_answerable(packet)) {
      counters_.add(Id::unanswerable);
      continue;
    }
    const generation::Record record = decider ? decider->record : generation::Record{};
    const act::IncidentId incident = incidents_.next();
    if (finding.protocol == stats::Protocol::dns) {
      block_dns(snapshot, finding, packet, record, incident);
    } else {
      block_tls(snapshot, finding, packet);
    }
    report(snapshot, finding, i, record, incident);
  }
}

void Pipeline::block_dns(const index::Snapshot& snapshot, const Finding& finding, Packet& packet,
                         const generation::Record& record, act::IncidentId incident) {
  const policy::BlockAnswer& answer = snapshot.groups().answer();
  const policy::Category* category = policy::find_category(finding.verdict.category);
  const act::DnsBlock block{.answer = &answer,
                            .error = error_of(record.layer, answer),
                            .category = category != nullptr ? category->name : "",
                            .incident = incident,
                            .listed_labels = finding.listed_labels};
  const std::size_t length =
      act::write_dns_answer(packet.data, packet.capacity, packet.frame, finding.query, block);
  counters_.add(length != 0 ? Id::dns_blocked : Id::dns_answer_no_room);
  packet.fate = length != 0 ? Fate::reply : Fate::drop;
  if (length != 0) packet.length = static_cast<std::uint32_t>(length);
}

void Pipeline::block_tls(const index::Snapshot& snapshot, const Finding& finding, Packet& packet) {
  packet.fate = Fate::drop;
  counters_.add(Id::tls_blocked);
  if (snapshot.groups().answer().tls == policy::TlsRefusal::drop) return;
  for (const Toward toward : {Toward::client, Toward::server}) {
    Emission& emission = emissions_[emitted_++];
    emission.packet = finding.packet;
    emission.toward = toward;
    emission.length = static_cast<std::uint16_t>(
        act::write_tcp_reset(bytes_of(packet), packet.frame, toward, emission.bytes.data()));
  }
}

void Pipeline::report(const index::Snapshot& snapshot, const Finding& finding, std::size_t index,
                      const generation::Record& record, act::IncidentId incident) {
  if (events_ == nullptr) return;
  stats::BlockEvent event{.incident = incident,
                          .protocol = finding.protocol,
                          .reason = finding.verdict.reason,
                          .category = finding.verdict.category,
                          .layer = record.layer,
                          .group = finding.group,
                          .provenance = record.provenance,
                          .generation = snapshot.generation().header().generation,
                          .judged_by = &snapshot};
  const std::string_view listed = names_[index].suffix(finding.listed_labels);
  event.listed_length = static_cast<std::uint8_t>(listed.size());
  std::memcpy(event.listed_key.data(), listed.data(), listed.size());
  if (!events_->push(event)) counters_.add(Id::events_lost);
}

}  // namespace sluice::pipeline
