// Any octets as a frame that is answered: whatever parses, each answer that is made from it is
// whole, with right checksums, in a buffer of exactly its size.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "config/name/name.h"
#include "dataplane/act/dns_answer.h"
#include "dataplane/act/http_page.h"
#include "dataplane/act/tcp_segment.h"
#include "dataplane/inspect/dns/query.h"
#include "dataplane/inspect/dns/response.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/reply_check.h"

namespace sluice::fuzz {
namespace {

using packet::Way;
using Octets = std::span<const std::uint8_t>;
namespace dns = inspect::dns;

/// A question that was read, from a query or from the response that is replaced.
bool read(Octets message, dns::Query& query) {
  dns::Query asked;
  std::array<std::uint8_t, dns::kResponseScratchOctets> scratch;
  if (dns::parse_query(message, asked, scratch) == inspect::Outcome::found) {
    query = asked;
    return true;
  }
  dns::Response response;
  (void)dns::parse_response(message, scratch, response);
  query = response.question;
  return query.name_count > 0;
}

/// Of the rightmost labels of a wire name, the root's left out.
std::size_t octets_of(Octets name, unsigned labels) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; name[at] != 0; at += name[at] + 1U) starts.push_back(at);
  starts.push_back(name.size() - 1);
  return labels >= starts.size() ? SIZE_MAX : name.size() - 1 - starts[starts.size() - 1 - labels];
}

std::vector<std::uint8_t> write_message(Octets message, const dns::Query& query,
                                        std::uint8_t choice) {
  policy::BlockAnswer answer;
  answer.dns = (choice & 1) != 0 ? policy::DnsAnswer::address : policy::DnsAnswer::nxdomain;
  if ((choice & 2) != 0) answer.page_ipv4.emplace().fill(1);
  if ((choice & 4) != 0) answer.page_ipv6.emplace().fill(2);
  const act::DnsBlock block{.answer = &answer,
                            .error = act::ExtendedError::censored,
                            .category = "gambling",
                            .incident = act::IncidentSource(1, 2).next(),
                            .listed_octets = octets_of(query.name, choice >> 3U)};
  // The bound is in the type of the span, so that the buffer ends with it.
  const auto out = std::make_unique<std::array<std::uint8_t, act::kMaxDnsMessage>>();
  const std::size_t octets = act::write_dns_message(message, query, block, *out);
  SLUICE_EXPECT(octets <= out->size());
  return {out->begin(), out->begin() + static_cast<std::ptrdiff_t>(octets)};
}

void check_message(Octets message, const dns::Query& query, Octets answer) {
  SLUICE_EXPECT(answer.size() > query.question_end);
  SLUICE_EXPECT(packet::load16(answer.data()) == packet::load16(message.data()));
  SLUICE_EXPECT((answer[2] & 0x80) != 0 && (answer[2] & 0x02) == 0);  // QR, and never cut
  const auto asked = message.subspan(12, query.question_end - 12U);
  SLUICE_EXPECT(std::equal(asked.begin(), asked.end(), answer.begin() + 12));
  std::array<std::uint8_t, dns::kResponseScratchOctets> scratch;
  dns::Response response;
  const inspect::Outcome outcome = dns::parse_response(answer, scratch, response);
  // Repeated as they came, which no reader has to take: several, or with pointers into the query.
  if (query.question_count > 1 || query.name.size() == 1) return;
  SLUICE_EXPECT(outcome != inspect::Outcome::malformed);
  SLUICE_EXPECT(response.question.question_count == query.question_count);
  SLUICE_EXPECT(response.question.has_opt == query.has_opt);
}

void check_datagrams(Octets frame, const packet::Frame& parsed, Octets message) {
  for (const Way way : {Way::back, Way::onward}) {
    const std::size_t octets =
        parsed.network_offset + (parsed.ipv6 ? 40U : 20U) + 8 + message.size();
    const auto out = std::make_unique_for_overwrite<std::uint8_t[]>(octets);
    SLUICE_EXPECT(act::write_udp_datagram(frame, parsed, way, message, out.get(), octets - 1) == 0);
    SLUICE_EXPECT(act::write_udp_datagram(frame, parsed, way, message, out.get(), octets) ==
                  octets);
    // In the frame's own buffer, the same comes out.
    const std::size_t room = std::max(octets, frame.size());
    const auto own = std::make_unique_for_overwrite<std::uint8_t[]>(room);
    std::copy(frame.begin(), frame.end(), own.get());
    SLUICE_EXPECT(act::write_udp_datagram({own.get(), frame.size()}, parsed, way, message,
                                          own.get(), room) == octets);
    SLUICE_EXPECT(std::equal(out.get(), out.get() + octets, own.get()));
    if (packet::is_group_addressed(frame, parsed) || !packet::has_single_source(frame, parsed)) {
      continue;  // such a frame is never answered
    }
    const packet::Frame made = check_made_frame({out.get(), octets}, packet::FrameKind::udp);
    SLUICE_EXPECT(made.payload_length == message.size());
  }
}

void check_segments(Octets frame, const packet::Frame& parsed, Octets payload, std::uint8_t flags) {
  for (const Way way : {Way::back, Way::onward}) {
    const auto out = std::make_unique_for_overwrite<std::uint8_t[]>(act::kMaxSegmentOctets);
    const auto numbers = act::numbers_after(frame, parsed, way);
    const std::size_t octets =
        act::write_tcp_segment(frame, parsed, way, numbers, flags, payload, out.get());
    SLUICE_EXPECT(octets <= act::kMaxSegmentOctets);
    if (packet::is_group_addressed(frame, parsed) || !packet::has_single_source(frame, parsed)) {
      continue;
    }
    const std::span bytes(out.get(), octets);
    const packet::Frame made = check_made_frame(bytes, packet::FrameKind::tcp);
    const packet::TcpFields tcp = packet::tcp_fields(bytes, made);
    SLUICE_EXPECT(tcp.sequence == numbers.sequence && tcp.flags == flags);
    SLUICE_EXPECT(tcp.acknowledgement == numbers.acknowledgement);
    SLUICE_EXPECT(made.payload_length == std::min(payload.size(), act::kMaxSegmentPayload));
    const bool timestamps = packet::tcp_options(frame, parsed).has_timestamps;
    const bool reset = (flags & packet::kTcpRst) != 0;
    SLUICE_EXPECT(packet::tcp_options(bytes, made).has_timestamps == (timestamps && !reset));
  }
}

void check_page(std::string_view text, std::uint8_t choice) {
  const auto out = std::make_unique<std::array<std::uint8_t, act::kMaxHttpPage>>();
  const std::size_t octets = act::write_http_page({.ordered = (choice & 1) != 0,
                                                   .head = (choice & 2) != 0,
                                                   .category = "gambling",
                                                   .name = text.substr(0, name::kMaxTextOctets),
                                                   .incident = act::IncidentSource(1, 2).next()},
                                                  *out);
  SLUICE_EXPECT(octets > 0 && octets <= act::kMaxSegmentPayload);
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  if (size == 0) return 0;
  const std::uint8_t choice = data[size - 1];
  const std::span frame(data, size - 1);
  const packet::Frame parsed = packet::parse_frame(frame);
  const bool tcp = parsed.kind == packet::FrameKind::tcp;
  if (parsed.cut || (!tcp && parsed.kind != packet::FrameKind::udp)) return 0;
  const auto payload = frame.subspan(parsed.payload_offset, parsed.payload_length);
  fuzz::check_page({reinterpret_cast<const char*>(payload.data()), payload.size()}, choice);
  std::vector<std::uint8_t> answer;
  const auto message = tcp && payload.size() > 2 ? payload.subspan(2) : payload;
  if (inspect::dns::Query query; fuzz::read(message, query)) {
    answer = fuzz::write_message(message, query, choice);
    if (!answer.empty()) fuzz::check_message(message, query, answer);
  }
  if (!tcp) {
    if (answer.empty()) answer.assign(payload.begin(), payload.end());
    if (!answer.empty()) fuzz::check_datagrams(frame, parsed, answer);
    return 0;
  }
  fuzz::check_segments(frame, parsed, answer, packet::kTcpFin | packet::kTcpPsh | packet::kTcpAck);
  fuzz::check_segments(frame, parsed, payload, packet::kTcpFin | packet::kTcpAck);
  fuzz::check_segments(frame, parsed, {}, packet::kTcpRst | packet::kTcpAck);
  return 0;
}
