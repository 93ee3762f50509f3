// Safe search: a query for a search engine's name goes on as a query for its safe one. What cannot
// be asked so is answered here, and never goes on as it was. What comes back: safe_response.cpp.
#include <cstring>

#include "dataplane/act/safe_answer.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/safe_flags.h"

namespace sluice::pipeline {
namespace {

using inspect::dns::Query;
using packet::Way;
using stats::Id;
using stats::Protocol;

constexpr std::uint8_t kLastSegment = packet::kTcpPsh | packet::kTcpAck | packet::kTcpFin;

/// Types whose answer leads to an address. Others are asked of the name itself, which has its own
/// name servers, keys and texts: a resolver inside needs them.
bool leads_to_address(const Query& query) {
  switch (query.type) {
    case inspect::dns::kTypeA:
    case inspect::dns::kTypeAaaa:
    case inspect::dns::kTypeCname:
    case inspect::dns::kTypeSvcb:
    case inspect::dns::kTypeHttps:
    case inspect::dns::kTypeAny:
      return true;
    default:
      return query.question_count > 1;
  }
}

bool asks_for_address(const Query& query) { return inspect::dns::address_octets(query.type) != 0; }

}  // namespace

void Pipeline::decide_safe_search(Finding& finding, const name::FoldedName& name) {
  if (finding.protocol != Protocol::dns || finding.led_to ||
      finding.verdict.action == policy::Action::block ||
      !leads_to_address(asked_messages_[finding.query].query) ||
      snapshot_->safe_search().find(name, policy::SafeSearch::strict).empty()) {
    return;
  }
  finding.group = group_of(packets_[finding.packet], finding.response);
  finding.verdict = policy::decide_safe_search(finding.verdict, masks_[finding.group]);
}

void Pipeline::rewrite(std::size_t index) {
  Finding& finding = findings_[index];
  Packet& packet = packets_[finding.packet];
  if (packet.fate == Fate::reply || packet.fate == Fate::drop) return;  // for another of its names
  const auto safe = snapshot_->safe_search().find(names_[index], masks_[finding.group].safe_search);
  if (finding.response) return refuse_unsafe(packet, finding, safe);
  if (packet.frame.kind == packet::FrameKind::tcp) return answer_in_stream(packet);
  const Asked& asked = asked_messages_[finding.query];
  if (ask_safely(packet, asked, safe)) return counters_.add(Id::dns_rewritten);
  counters_.add(Id::dns_safe_answered);
  if (packet.pieced) fragments_.block(packet.datagram, finding.packet);
  std::array<std::uint8_t, act::kMaxSafeAnswer> message;
  const std::size_t octets = answer_safely(packet, asked, safe, message);
  const bool answerable = packet::has_single_source(packet.view, packet.frame) &&
                          !packet::is_group_addressed(packet.view, packet.frame);
  send_in_place(packet, answerable ? Way::back : Way::onward,
                {message.data(), answerable ? octets : 0});
}

// The frame becomes one with this message; without room for it, or without a message, none.
void Pipeline::send_in_place(Packet& packet, Way way, std::span<const std::uint8_t> message) {
  const std::size_t length = message.empty()
                                 ? 0
                                 : act::write_udp_datagram(packet.view, packet.frame, way, message,
                                                           packet.data, packet.capacity);
  become(packet, way, length);
}

// False where the query cannot go on as one for the safe name.
bool Pipeline::ask_safely(Packet& packet, const Asked& asked, std::span<const std::uint8_t> safe) {
  const Query& query = asked.query;
  const std::uint16_t flags = packet::load16(&asked.message[2]);
  if (packet.pieced || packet.frame.cut || !asks_for_address(query) ||
      !is_plain(asked.message, query) || (flags & kRecursionDesired) == 0) {
    return false;
  }
  std::array<std::uint8_t, act::kMaxSafeQuery> message;
  const std::size_t octets = act::write_safe_query(asked.message, query, safe, message);
  if (octets == 0) return false;
  const flow::Key key = key_of(packet, false);
  SafeQuery& noted = note_safe_query(key, flow::hash(key, secret_),
                                     packet::load16(asked.message.data()), query.type);
  noted.dnssec_ok = query.dnssec_ok;
  noted.asked.set(query.name);
  noted.safe.set(safe);
  send_in_place(packet, Way::onward, {message.data(), octets});
  return true;
}

SafeQuery& Pipeline::note_safe_query(const flow::Key& key, std::uint64_t hash, std::uint16_t id,
                                     std::uint16_t type) {
  bool displaced = false;
  SafeQuery& noted = safe_queries_.put(key, hash, id, type, now_ms_, displaced);
  if (displaced) counters_.add(Id::dns_safe_table_full);
  return noted;
}

// What is answered here: the alias alone, which a resolver follows by itself and a client that asks
// for it wants; no data of types that would lead past it; addresses that are known; or a failure.
std::size_t Pipeline::answer_safely(const Packet& packet, const Asked& asked,
                                    std::span<const std::uint8_t> safe,
                                    std::span<std::uint8_t, act::kMaxSafeAnswer> out) {
  const Query& query = asked.query;
  const std::uint16_t flags = packet::load16(&asked.message[2]);
  act::SafeAnswer answer{
      .id = packet::load16(asked.message.data()),
      .flags = static_cast<std::uint16_t>((flags & kEchoedFlags) | kResponseFlags),
      .ttl = snapshot_->groups().answer().ttl_seconds,
      .has_opt = query.has_opt,
      .dnssec_ok = query.dnssec_ok,
      .client_cookie = query.client_cookie};
  inspect::dns::Addresses addresses;
  if (!is_plain(asked.message, query)) {
    answer.flags |= kServerFailure;
    return act::write_safe_answer(answer, out);
  }
  answer.question = asked.message.subspan(inspect::dns::kHeaderOctets, query.name.size() + 4);
  if (query.type == inspect::dns::kTypeHttps || query.type == inspect::dns::kTypeSvcb) {
    answer.no_data = true;
  } else if (!asks_for_address(query) || (flags & kRecursionDesired) == 0) {
    answer.flags |= kAuthoritative;
    answer.safe = safe;
  } else if (safe_addresses_.get(key_of(packet, false), safe,
                                 inspect::dns::address_octets(query.type), now_ms_, addresses)) {
    answer.safe = safe;
    answer.addresses = &addresses;
    answer.no_data = true;
  } else {
    answer.flags |= kServerFailure;
    counters_.add(Id::dns_safe_failed);
  }
  return act::write_safe_answer(answer, out);
}

// Whether nothing of the stream has gone on yet, and nothing but this segment is known of it: then
// the segment may be withheld as if it had never come, and the stream begins anew with it.
bool Pipeline::is_whole_stream(const Packet& packet) const {
  if (packet.pieced || !packet.has_flow()) return false;
  const flow::Flow& flow = *packet.flow;
  const std::uint32_t sequence = packet::tcp_fields(packet.view, packet.frame).sequence;
  const auto syn = syns_.get(flow.hash, now_ms_);
  return syn && syn->sequence + 1 == sequence && flow.base == sequence && flow.acked == sequence &&
         flow.reading_count == 1 && flow.readings[0].assembly.end() <= packet.frame.payload_length;
}

// Whether the addresses that a stream asks for were asked for over UDP, in the client's name, so
// that the segment is to be sent again: the client does that by itself, and finds them known. Not
// for long, nor where other octets of the stream may be at the server, or on their way.
bool Pipeline::await_addresses(Packet& packet, const Asked& asked,
                               std::span<const std::uint8_t> safe) {
  const Query& query = asked.query;
  inspect::dns::Addresses known;
  if (!is_whole_stream(packet) || !asks_for_address(query) || !is_plain(asked.message, query) ||
      (packet::load16(&asked.message[2]) & kRecursionDesired) == 0 ||
      safe_addresses_.get(key_of(packet, false), safe, inspect::dns::address_octets(query.type),
                          now_ms_, known)) {
    return false;
  }
  flow::Key key = key_of(packet, false);
  key.protocol = packet::kProtocolUdp;
  const std::uint64_t hash = flow::hash(key, secret_);
  const std::uint16_t id = packet::load16(asked.message.data());
  SafeQuery* noted = safe_queries_.find(key, hash, id, query.type, now_ms_);
  if (noted != nullptr &&
      (noted->answered || noted->sent_ms + SafeQueries::kPatienceMs < now_ms_)) {
    return false;
  }
  if (noted != nullptr && !noted->ours) return true;  // the client has asked over UDP by itself
  std::array<std::uint8_t, act::kMaxSafeQuery> message;
  const std::size_t length = act::write_safe_query(asked.message, query, safe, message);
  if (length == 0 || length > act::kMaxSegmentPayload || !may_refuse(packet)) return false;
  Emission* const emission = emit(packet, Way::onward);
  if (emission == nullptr) return false;
  if (noted == nullptr) noted = &note_safe_query(key, hash, id, query.type);
  noted->ours = true;
  noted->dnssec_ok = false;
  noted->asked.set(query.name);
  noted->safe.set(safe);
  emission->length = static_cast<std::uint16_t>(
      act::write_udp_datagram(packet.view, packet.frame, Way::onward, {message.data(), length},
                              emission->bytes.data(), emission->bytes.size()));
  return true;
}

// All queries of a segment at once: some clients send that for A and for AAAA together. As with a
// refusal, the connection ends behind them.
void Pipeline::answer_in_stream(Packet& packet) {
  const std::uint8_t index = index_of(packet);
  bool waits = false;
  std::size_t last = SIZE_MAX;
  for (std::size_t i = 0; i < found_; ++i) {
    const Finding& finding = findings_[i];
    if (finding.packet != index || finding.response) continue;
    if (finding.verdict.action == policy::Action::block) return;  // it is refused
  }
  const auto safe_of = [this](std::size_t i) {
    return snapshot_->safe_search().find(names_[i], masks_[findings_[i].group].safe_search);
  };
  const auto is_ours = [&](std::size_t i) {
    const Finding& finding = findings_[i];
    const bool ours = finding.packet == index && !finding.response && finding.query != last &&
                      finding.verdict.action == policy::Action::rewrite;
    if (ours) last = finding.query;
    return ours;
  };
  for (std::size_t i = 0; i < found_; ++i) {
    if (is_ours(i) && await_addresses(packet, asked_messages_[findings_[i].query], safe_of(i)))
      waits = true;
  }
  packet.fate = Fate::drop;
  if (waits) {
    counters_.add(Id::dns_safe_awaited);
    // What is sent again is read again, from where the stream begins.
    const auto syn = syns_.get(packet.flow->hash, now_ms_);
    give_up(*packet.flow);
    if (syn) syns_.put(packet.flow->hash, *syn, now_ms_);
    return;
  }
  std::array<std::uint8_t, act::kMaxSegmentPayload> payload;
  std::size_t octets = 0;
  last = SIZE_MAX;
  for (std::size_t i = 0; i < found_; ++i) {
    if (!is_ours(i)) continue;
    if (payload.size() - octets < act::kMaxSafeAnswer + 2) break;
    std::array<std::uint8_t, act::kMaxSafeAnswer> message;
    const std::size_t length =
        answer_safely(packet, asked_messages_[findings_[i].query], safe_of(i), message);
    packet::store16(&payload[octets], static_cast<std::uint16_t>(length));
    std::memcpy(&payload[octets + 2], message.data(), length);
    octets += 2 + length;
    counters_.add(Id::dns_safe_answered);
  }
  if (packet.has_flow() && packet.flow->state != flow::State::blocked) {
    packet.flow->state = flow::State::blocked;
    packet.flow->refused_at = index;
  }
  if (!may_refuse(packet)) return;
  const std::uint8_t flags = packet::tcp_fields(packet.view, packet.frame).flags;
  if ((flags & packet::kTcpSyn) != 0) return reset(packet, Way::back);
  if (Emission* emission = emit(packet, Way::back)) {
    const auto numbers = act::numbers_after(packet.view, packet.frame, Way::back);
    emission->length = static_cast<std::uint16_t>(
        act::write_tcp_segment(packet.view, packet.frame, Way::back, numbers, kLastSegment,
                               {payload.data(), octets}, emission->bytes.data()));
  }
  reset(packet, Way::onward);
}

}  // namespace sluice::pipeline
