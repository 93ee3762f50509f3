// Names in datagrams: DNS, QUIC, DTLS. DNS is judged a datagram at a time; the others have flows.
#include <cstring>

#include "dataplane/act/withhold_ech.h"
#include "dataplane/inspect/dns/response.h"
#include "dataplane/inspect/quic/frames.h"
#include "dataplane/inspect/quic/gquic.h"
#include "dataplane/inspect/tls/dtls.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

using inspect::Outcome;
using stats::Id;
using stats::Protocol;

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kHttpsPort = 443;

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

bool is_response(std::span<const std::uint8_t> message) {
  return message.size() >= 3 && (message[2] & 0x80) != 0;
}

}  // namespace

void Pipeline::find_in_udp(Packet& packet) {
  const auto payload = payload_of(packet);
  const bool long_header = !payload.empty() && (payload[0] & 0x80) != 0;
  const bool quic = long_header && inspect::quic::may_be_initial(payload);
  if (!quic) {
    const std::uint8_t* ports = &packet.view[packet.frame.transport_offset];
    if (packet.answers && packet::load16(ports) == kDnsPort && is_response(payload)) {
      return find_in_response(packet, payload);
    }
    if (packet.judge && packet::load16(ports + 2) == kDnsPort) return find_in_query(packet);
  }
  if (packet.answers) {
    const flow::Key key = key_of(packet, true);
    const std::uint64_t hash = flow::hash(key, secret_);
    if (active_.any() && is_cut(packet, true, hash)) return;
    if (flows_.may_hold(hash)) {
      flow::Flow* flow = flows_.find(key, hash);
      if (flow != nullptr && flow->state == flow::State::blocked) {
        // Of other connections on the same ports: the refused one's server has not got its hello.
        if (flow->kind == flow::Kind::quic && !long_header) return;
        packet.fate = Fate::drop;
        return counters_.add(Id::flow_refused_again);
      }
      if (flow != nullptr && flow->kind == flow::Kind::quic) {
        inspect::quic::note_answer(payload, flows_.state<inspect::quic::Connection>(*flow));
      }
    }
  }
  if (!packet.judge) return;
  if (refuses_encrypted_dns(packet) && refuse_encrypted_dns(packet, false)) return;
  const flow::Key key = key_of(packet, false);
  const std::uint64_t hash = flow::hash(key, secret_);
  if (active_.any() && is_cut(packet, false, hash)) return;
  flow::Flow* flow = flows_.may_hold(hash) ? flows_.find(key, hash) : nullptr;
  if (flow != nullptr) {
    packet.carry(flow);
    if (flow->state == flow::State::blocked) {
      if (flow->kind == flow::Kind::quic && !long_header) return;
      return refuse_again(packet);
    }
  }
  if (quic) return find_in_quic(packet, flow, key, hash);
  if (inspect::tls::may_be_dtls(payload)) return find_in_dtls(packet, flow, key, hash);
  if (inspect::quic::may_be_gquic(payload)) return find_in_gquic(packet, key, hash);
  if (long_header &&
      packet::load16(&packet.view[packet.frame.transport_offset + 2]) == kHttpsPort &&
      inspect::quic::may_be_unknown_version(payload)) {
    in_doubt(packet, Id::quic_unknown_version);
  }
}

void Pipeline::find_in_query(Packet& packet) {
  counters_.add(Id::inspected);
  Asked& asked = keep_message(payload_of(packet));
  // keep_message() has made room for the names.
  const bool plain = inspect::dns::parse_plain_query(asked.message, asked.query, names_[found_]);
  if (!plain && !read_query(packet, asked)) return;
  if (packet::is_group_addressed(packet.view, packet.frame)) {
    return counters_.add(Id::dns_group_addressed);
  }
  counters_.add(Id::dns_queries);
  const auto query = static_cast<std::uint16_t>(asked_ - 1);
  if (plain) [[likely]] {  // whose name is read already
    add_finding(packet, Protocol::dns).query = query;
    return begin_look_up();
  }
  for (std::size_t i = 0; i < asked.query.name_count; ++i) {
    add_finding(packet, Protocol::dns).query = query;
    name::fold_wire(asked.query.names[i], names_[found_ - 1]);
    begin_look_up();
  }
}

// False where nothing is to be judged.
bool Pipeline::read_query(Packet& packet, Asked& asked) {
  const Outcome outcome = inspect::dns::parse_query(asked.message, asked.query, scratch_);
  if (outcome == Outcome::malformed) {
    in_doubt(packet, counter_of(asked.query.defect));
  } else if (outcome != Outcome::found) {
    counters_.add(Id::dns_no_name);
  } else if (asked.query.defect != inspect::dns::Defect::none) {
    // Readable in its question: whatever is wrong behind it, a lenient server answers.
    counters_.add(counter_of(asked.query.defect));
  }
  return outcome == Outcome::found;
}

void Pipeline::find_in_response(Packet& packet, std::span<const std::uint8_t> message, bool cut) {
  counters_.add(Id::dns_responses);
  if (safe_queries_.any() && !cut && find_in_safe_response(packet, message)) return;
  inspect::dns::Response response;
  const auto scratch = std::span(scratch_).first(inspect::dns::kResponseScratchOctets);
  Outcome outcome = inspect::dns::parse_response(message, scratch, response);
  for (std::size_t i = 0; i < response.ech_count; ++i) {
    ech_.add(response.ech[i].config_id, response.ech[i].public_name);
  }
  if (response.has_ech && snapshot_->groups().any_withholds_ech() &&
      withhold_ech(packet, message, response.question.question_end)) {
    // What goes on is judged: a name's pointer may have led into what was moved.
    outcome = inspect::dns::parse_response(message, scratch, response);
  }
  if (outcome == Outcome::malformed && !cut) counters_.add(Id::dns_response_malformed);
  if (response.question.name_count == 0) return;
  // The question is judged again: a server may have answered a query that could not be read here.
  keep_message(message).query = response.question;
  const auto add = [&](std::span<const std::uint8_t> wire, bool led_to) {
    Finding& finding = add_finding(packet, Protocol::dns);
    finding.response = true;
    finding.led_to = led_to;
    finding.query = static_cast<std::uint16_t>(asked_ - 1);
    name::fold_wire(wire, names_[found_ - 1]);
    begin_look_up();
  };
  for (std::size_t i = 0; i < response.question.name_count; ++i)
    add(response.question.names[i], false);
  for (std::size_t i = 0; i < response.count; ++i) add(response.names[i], true);
}

// Whether octets of the message were changed.
bool Pipeline::withhold_ech(Packet& packet, std::span<const std::uint8_t> message,
                            std::size_t records_at) {
  if (!masks_of(packet, true).withhold_ech) return false;
  if (packet.pieced || packet.frame.cut) {
    counters_.add(Id::ech_not_withheld);
    return false;
  }
  const packet::Frame& frame = packet.frame;
  std::uint8_t* const octets = packet.data + (message.data() - packet.view.data());
  const packet::Sum before = packet::checksum_add(0, message);
  if (act::withhold_ech({octets, message.size()}, records_at) == 0) {
    counters_.add(Id::ech_not_withheld);
    return false;
  }
  const std::size_t end = std::size_t{frame.payload_offset} + frame.payload_length;
  packet::change_checksum({packet.data + frame.transport_offset, end - frame.transport_offset},
                          frame.kind == packet::FrameKind::udp ? 6 : 16, message, before);
  packet::finish_layers(frame, packet.data, end);
  packet.fate = Fate::rewrite;
  counters_.add(Id::ech_withheld);
  return true;
}

void Pipeline::find_in_quic(Packet& packet, flow::Flow* flow, const flow::Key& key,
                            std::uint64_t hash) {
  if (crypto_ == nullptr) return;
  counters_.add(Id::inspected);
  if (flow != nullptr && flow->kind != flow::Kind::quic) {
    flows_.close(*flow);
    flow = nullptr;
  }
  if (flow == nullptr) {
    if (active_.any()) active_.drop(key, hash);
    flow = flows_.open(key, hash, now_ms_);
    if (flow == nullptr) return in_doubt(packet, Id::flow_table_full);
    flow->kind = flow::Kind::quic;
    flows_.make_state<inspect::quic::Connection>(*flow);
  }
  packet.carry(flow);
  auto& connection = flows_.state<inspect::quic::Connection>(*flow);
  const bool known = connection.origin_count > 0;
  expect_initials(packet);
  inspect::quic::InitialReader reader(payload_of(packet), *crypto_, connection);
  inspect::quic::Opened opened;
  bool any = false;
  while (reader.next(opened)) {
    any = true;
    if (!read_initial(packet, *flow, opened)) break;
  }
  if (!any) in_doubt(packet, Id::quic_unopened);
  if (connection.origin_count == 0) {
    packet.flow = nullptr;  // there is nothing to remember
    return flows_.close(*flow);
  }
  if (!known) counters_.add(Id::flow_opened);
}

// The first of a burst's Initials that asks for keys has those of the others derived along.
void Pipeline::expect_initials(const Packet& reached) {
  inspect::quic::ClientKeys& keys = crypto_->client_keys();
  if (initials_of_ == burst_) return keys.reach(payload_of(reached));
  initials_of_ = burst_;
  keys.begin_burst();
  for (const Packet& packet : packets_.subspan(index_of(reached) + 1U)) {
    if (packet.judge && packet.frame.kind == packet::FrameKind::udp && packet.fate == Fate::forward)
      keys.expect(payload_of(packet));
  }
}

// False where the rest of the datagram is not to be read: it is withheld, or there is no room.
bool Pipeline::read_initial(Packet& packet, flow::Flow& flow, const inspect::quic::Opened& opened) {
  auto& connection = flows_.state<inspect::quic::Connection>(flow);
  counters_.add(Id::quic_initials);
  if (opened.new_stream) flows_.empty_readings(flow, opened.stream);
  if (opened.new_stream && flow.state == flow::State::passed) flow.state = flow::State::undecided;
  flows_.touch(flow, now_ms_);
  inspect::quic::FrameReader frames(opened.frames, opened.dialect);
  std::uint64_t offset = 0;
  std::span<const std::uint8_t> octets;
  while (frames.next_crypto(offset, octets)) {
    if (offset >= flow::kLargeOctets) {
      in_doubt(packet, Id::flow_too_long);
    } else if (!write_octets(packet, flow, opened.stream, static_cast<std::uint32_t>(offset),
                             octets)) {
      return false;
    }
  }
  bool front = false;
  for (unsigned i = 0; i < flow.reading_count; ++i) {
    flow::Reading& reading = flow.readings[i];
    if (reading.stream != opened.stream) continue;
    front = front || !reading.assembly.contiguous().empty();
    read_quic(packet, flow, opened, reading);
  }
  // A part of it may have passed before it was forgotten: until its front is sent again, nothing of
  // it does.
  if (front || (connection.forgotten >> opened.stream & 1) == 0) return true;
  packet.fate = Fate::drop;
  counters_.add(Id::quic_forgotten);
  return false;
}

void Pipeline::read_quic(Packet& packet, flow::Flow& flow, const inspect::quic::Opened& opened,
                         flow::Reading& at) {
  while (at.in_progress() && !at.message().empty() && at.message().size() >= at.wanted) {
    inspect::tls::ClientHello hello;
    const Outcome outcome = inspect::quic::read_hello(at.message(), opened.dialect, hello);
    if (outcome == Outcome::malformed) {
      at.wanted = flow::kSettled;
      flow.state = flow::State::passed;  // nothing more is awaited
      return in_doubt(packet, Id::quic_malformed);
    }
    at.names_judged = find_hello(packet, Protocol::quic, hello, at.names_judged);
    if (!hello.complete) {
      at.wanted = static_cast<std::uint32_t>(hello.wanted);
      if (at.wanted > flow::kLargeOctets) in_doubt(packet, Id::flow_too_long);
      return;
    }
    counters_.add(outcome == Outcome::no_name ? Id::quic_no_name : Id::quic_client_hellos);
    flow.state = flow::State::passed;
    auto& connection = flows_.state<inspect::quic::Connection>(flow);
    connection.done |= static_cast<std::uint8_t>(1U << opened.stream);
    advance(at, hello.consumed, flow::Kind::unknown);  // another may follow a HelloRetryRequest
  }
}

// The versions before TLS: one clear packet holds the whole CHLO, so that a flow is only needed for
// the tombstone.
void Pipeline::find_in_gquic(Packet& packet, const flow::Key& key, std::uint64_t hash) {
  counters_.add(Id::inspected);
  std::string_view name;
  if (inspect::quic::parse_gquic(payload_of(packet), name) != Outcome::found) return;
  packet.carry(flows_.open(key, hash, now_ms_));
  if (packet.flow == nullptr) return in_doubt(packet, Id::flow_table_full);
  counters_.add(Id::quic_client_hellos);
  give_up(*packet.flow);  // unless it is refused
  (void)find_text(packet, Protocol::quic, name);
}

void Pipeline::find_in_dtls(Packet& packet, flow::Flow* flow, const flow::Key& key,
                            std::uint64_t hash) {
  counters_.add(Id::inspected);
  if (flow == nullptr) {
    flow = flows_.open(key, hash, now_ms_);
    if (flow == nullptr || flows_.add_reading(*flow, 0, flow::kSmallOctets, now_ms_) == nullptr) {
      if (flow != nullptr) flows_.close(*flow);
      return in_doubt(packet, Id::flow_table_full);
    }
    flow->kind = flow::Kind::dtls;
    counters_.add(Id::flow_opened);
  }
  if (flow->kind != flow::Kind::dtls) return;
  packet.carry(flow);
  flows_.touch(*flow, now_ms_);
  inspect::tls::DtlsHello hello;
  const Outcome outcome =
      inspect::tls::parse_dtls(payload_of(packet), flow->readings[0].assembly, hello);
  if (outcome == Outcome::malformed) {
    flow->readings[0].assembly.clear();
    flow->state = flow::State::passed;  // nothing more is awaited
    return in_doubt(packet, Id::dtls_malformed);
  }
  if (outcome == Outcome::need_more) return;
  flow->state = flow::State::passed;
  (void)find_hello(packet, Protocol::dtls, hello.hello, 0);
  counters_.add(outcome == Outcome::no_name ? Id::tls_no_name : Id::dtls_client_hellos);
}

}  // namespace sluice::pipeline
