// Safe search: what comes back is answered under the name that was asked for, and what was not
// asked for safely is withheld.
#include <cstring>

#include "dataplane/act/safe_answer.h"
#include "dataplane/inspect/dns/response.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"
#include "dataplane/pipeline/safe_flags.h"

namespace sluice::pipeline {

using inspect::dns::Answered;
using inspect::dns::Query;
using packet::Way;
using stats::Id;
using stats::Protocol;

// Whether the response answers a query that was asked for another name; then it is rewritten, and
// what it leads to is judged under the name that was asked for.
bool Pipeline::find_in_safe_response(Packet& packet, std::span<const std::uint8_t> message) {
  if (packet.frame.kind != packet::FrameKind::udp || message.size() < inspect::dns::kHeaderOctets)
    return false;
  const flow::Key key = key_of(packet, true);
  const std::uint64_t hash = flow::hash(key, secret_);
  for (const std::uint16_t type : {inspect::dns::kTypeA, inspect::dns::kTypeAaaa}) {
    SafeQuery* const query =
        safe_queries_.find(key, hash, packet::load16(message.data()), type, now_ms_);
    if (query == nullptr) continue;
    const auto response = inspect::dns::read_addresses(message, query->safe.view(), type);
    if (response.answered == Answered::other) continue;
    answer_as_asked(packet, message, response, *query);
    return true;
  }
  return false;
}

void Pipeline::answer_as_asked(Packet& packet, std::span<const std::uint8_t> message,
                               const inspect::dns::AddressResponse& response, SafeQuery& query) {
  std::array<std::uint8_t, act::kMaxSafeWire + 4> question;
  const auto asked = query.asked.view();
  std::copy(asked.begin(), asked.end(), question.begin());
  packet::store16(&question[asked.size()], query.type);
  packet::store16(&question[asked.size() + 2], inspect::dns::kClassIn);
  const std::uint16_t flags = packet::load16(&message[2]);
  act::SafeAnswer answer{
      .question = std::span<const std::uint8_t>(question).first(asked.size() + 4),
      .id = query.id,
      .flags =
          static_cast<std::uint16_t>((flags & (kEchoedFlags | kResponseFlags)) | response.rcode),
      .ttl = snapshot_->groups().answer().ttl_seconds,
      .has_opt = response.has_opt,
      .dnssec_ok = query.dnssec_ok,
      .udp_size = response.udp_size,
      .extended_rcode = response.extended_rcode,
      .options = response.options};
  switch (response.answered) {
    case Answered::read: {
      answer.safe = query.safe.view();
      answer.addresses = &response.addresses;
      answer.no_data = true;
      if (query.answered || response.rcode != 0) break;
      inspect::dns::Addresses learnt = response.addresses;
      if (learnt.count == 0) learnt.ttl = answer.ttl;
      safe_addresses_.put(query.key, query.safe.view(), learnt, now_ms_);
      break;
    }
    case Answered::truncated:
      answer.flags |= kTruncated;
      break;
    case Answered::malformed:
      answer.flags = static_cast<std::uint16_t>((answer.flags & ~0xf) | kServerFailure);
      answer.has_opt = false;
      counters_.add(Id::dns_safe_failed);
      break;
    case Answered::failed:
    case Answered::other:
      break;
  }
  query.answered = true;
  if (query.ours) {
    packet.fate = Fate::drop;
    return;
  }
  counters_.add(Id::dns_rewritten_back);

  // Before its octets are written over: the names that it leads to, in the scratch.
  constexpr std::size_t kScratch = inspect::dns::kResponseScratchOctets;
  const auto scratch = std::span(scratch_);
  inspect::dns::Response led;
  (void)inspect::dns::parse_response(message, scratch.first(kScratch), led);
  std::array<std::uint8_t, act::kMaxSafeAnswer> written;
  const std::size_t octets = act::write_safe_answer(answer, written);
  send_in_place(packet, Way::onward, {written.data(), octets});
  if (packet.fate != Fate::rewrite) return;
  // From here on, it is the frame that is judged.
  packet.view = {packet.data, packet.length};
  packet.pieced = false;
  packet::parse_frame(packet.view, packet.frame);
  const auto payload = payload_of(packet);
  inspect::dns::Response own;
  (void)inspect::dns::parse_response(payload, scratch.subspan(kScratch, kScratch), own);
  keep_message(payload).query = own.question;
  const auto judge = [&](const inspect::dns::Response& names) {
    for (std::size_t i = 0; i < names.count; ++i) {
      Finding& finding = add_finding(packet, Protocol::dns);
      finding.response = true;
      finding.led_to = true;
      finding.query = static_cast<std::uint16_t>(asked_ - 1);
      name::fold_wire(names.names[i], names_[found_ - 1]);
      begin_look_up();
    }
  };
  judge(own);
  judge(led);
  // The name itself was let through as it was asked for.
  if (own.count + led.count == 0) let_through_ |= std::uint32_t{1} << index_of(packet);
}

// An answer to a query that was not rewritten here, for it could not be read, or came before the
// policy. It does not reach the client, unless its server keeps to the safe name by itself.
void Pipeline::refuse_unsafe(Packet& packet, const Finding& finding,
                             std::span<const std::uint8_t> safe) {
  const Asked& asked = asked_messages_[finding.query];
  if (packet::load16(&asked.message[6]) == 0) return;  // there is no answer in it
  for (std::size_t i = 0; i < found_; ++i) {
    const Finding& other = findings_[i];
    if (other.packet != finding.packet || other.query != finding.query || !other.led_to) continue;
    const std::string_view name = names_[i].view();
    if (name.size() + 1 == safe.size() && std::memcmp(name.data(), safe.data(), name.size()) == 0)
      return;
  }
  counters_.add(Id::dns_unsafe_refused);
  if (packet.frame.kind == packet::FrameKind::tcp) {
    packet.fate = Fate::drop;
    if (!may_refuse(packet)) return;
    reset(packet, Way::onward);
    return reset(packet, Way::back);
  }
  const Query& query = asked.query;
  const std::uint16_t flags = packet::load16(&asked.message[2]);
  act::SafeAnswer answer{
      .id = packet::load16(asked.message.data()),
      .flags = static_cast<std::uint16_t>((flags & kEchoedFlags) | kResponseFlags | kServerFailure),
      .has_opt = query.has_opt,
      .dnssec_ok = query.dnssec_ok};
  if (is_plain(asked.message, query)) {
    answer.question = asked.message.subspan(inspect::dns::kHeaderOctets, query.name.size() + 4);
  }
  std::array<std::uint8_t, act::kMaxSafeAnswer> written;
  const std::size_t octets = act::write_safe_answer(answer, written);
  send_in_place(packet, Way::onward, {written.data(), octets});
}

}  // namespace sluice::pipeline
