// Readings of TCP streams into names: which protocol a stream starts as, and what its messages ask
// for.
#include "dataplane/inspect/dns/stream.h"
#include "dataplane/inspect/http/h2.h"
#include "dataplane/inspect/http/request.h"
#include "dataplane/inspect/proxy/preamble.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

using inspect::Outcome;
using stats::Id;
using stats::Protocol;

constexpr std::uint16_t kDnsPort = 53;
/// RFC 8446 5.1: TLS records of this type hold no ClientHello, and nothing in clear follows them.
constexpr std::uint8_t kApplicationData = 23;
/// A body longer than this is not waited for: the next request is found at its own segment's start.
constexpr std::uint64_t kMaxBody = 1 << 30;

}  // namespace

// Whether a stream may start so, where no SYN told that one does: it may be the middle of any, so
// that only what is told apart with some certainty counts.
bool Pipeline::is_start(std::span<const std::uint8_t> octets, std::uint16_t server_port) {
  return server_port == kDnsPort || inspect::tls::may_be_tls(octets) ||
         inspect::http::may_be_http(octets);
}

void Pipeline::read_stream(Packet& packet, flow::Flow& flow, unsigned reading) {
  for (;;) {
    const flow::Reading& at = flow.readings[reading];
    const std::size_t there = at.message().size();
    if (flow.closing || there == 0 || there < at.wanted) return;
    bool again = false;
    switch (at.kind) {
      case flow::Kind::unknown:
        again = guess(packet, flow, reading);
        break;
      case flow::Kind::tls:
        again = read_tls(packet, flow, reading);
        break;
      case flow::Kind::http:
        again = read_http(packet, flow, reading);
        break;
      case flow::Kind::http_chunk:
        again = read_chunk(flow, reading);
        break;
      case flow::Kind::h2:
        again = read_h2(packet, flow, reading);
        break;
      case flow::Kind::dns:
        again = read_dns(packet, flow, reading);
        break;
      case flow::Kind::quic:
      case flow::Kind::dtls:
        break;
    }
    if (again) continue;
    if (!flow.closing && at.wanted != flow::kSettled && at.wanted > flow::kLargeOctets) {
      give_up(flow);
      in_doubt(packet, Id::flow_too_long);
    }
    return;
  }
}

// Nothing more of the flow is of interest: it goes at the end of the burst, unless it is refused
// until then.
void Pipeline::give_up(flow::Flow& flow) {
  syns_.forget(flow.hash);
  if (flow.closing || closing_ == to_close_.size()) return;
  flow.closing = true;
  to_close_[closing_++] = &flow;
}

// Nothing more is wanted of the reading, unless other octets come in its octets' place before the
// server answers.
void Pipeline::settle(flow::Flow& flow, unsigned reading) {
  flow.readings[reading].wanted = flow::kSettled;
  flow.state = flow::State::passed;
}

void Pipeline::advance(flow::Reading& reading, std::uint64_t octets, flow::Kind next) {
  reading.start += static_cast<std::uint32_t>(octets);
  reading.kind = next;
  reading.wanted = 0;
  reading.names_judged = 0;
}

bool Pipeline::guess(Packet& packet, flow::Flow& flow, unsigned reading) {
  flow::Reading& at = flow.readings[reading];
  const auto octets = at.message();
  // What is shorter may be the length of a DNS message, too; none ends within these octets.
  if (inspect::tls::may_be_tls(octets)) {
    if (octets.size() < inspect::tls::kStartOctets) {
      at.wanted = static_cast<std::uint32_t>(octets.size()) + 1;  // each may tell it from TLS
      return false;
    }
    at.kind = flow.kind = flow::Kind::tls;
    return true;
  }
  if (flow.key.server_port == kDnsPort) {
    at.kind = flow.kind = flow::Kind::dns;
    return true;
  }
  inspect::proxy::Preamble preamble;
  const Outcome outcome = inspect::proxy::parse_preamble(octets, preamble);
  if (outcome == Outcome::found) {
    if (find_text(packet, Protocol::socks, preamble.name)) counters_.add(Id::socks_names);
  }
  if (outcome != Outcome::malformed && preamble.skip > 0) {
    advance(at, preamble.skip, flow::Kind::unknown);
    return true;
  }
  // "PROXY " looks like a method too, until there is more of it.
  if (outcome == Outcome::need_more) {
    at.wanted = static_cast<std::uint32_t>(preamble.wanted);
    return false;
  }
  if (inspect::http::may_be_h2(octets) || inspect::http::may_be_http(octets)) {
    // "PRI" may be any server's method until the preface is whole.
    if (octets.size() < inspect::http::kH2Preface.size() && inspect::http::may_be_h2(octets)) {
      at.wanted = static_cast<std::uint32_t>(octets.size()) + 1;
      return false;
    }
    at.kind = flow.kind = inspect::http::may_be_h2(octets) ? flow::Kind::h2 : flow::Kind::http;
    return true;
  }
  counters_.add(Id::flow_unknown);
  settle(flow, reading);
  return false;
}

bool Pipeline::read_tls(Packet& packet, flow::Flow& flow, unsigned reading) {
  flow::Reading& at = flow.readings[reading];
  if (at.message()[0] == kApplicationData) {
    settle(flow, reading);
    return false;
  }
  inspect::tls::ClientHello hello;
  const Outcome outcome = inspect::tls::parse_client_hello(at.message(), scratch_, hello);
  if (outcome == Outcome::malformed) {
    settle(flow, reading);
    // Later in a connection, handshake records are other messages, or encrypted.
    if (hello.defect == inspect::tls::Defect::not_client_hello) {
      counters_.add(Id::tls_other_handshake);
    } else {
      in_doubt(packet, Id::tls_malformed);
    }
    return false;
  }
  at.names_judged = find_hello(packet, Protocol::tls, hello, at.names_judged);
  if (!hello.complete) {
    counters_.add(Id::tls_incomplete);
    at.wanted = static_cast<std::uint32_t>(hello.wanted);
    return false;
  }
  counters_.add(outcome == Outcome::no_name ? Id::tls_no_name : Id::tls_client_hellos);
  flow.state = flow::State::passed;
  // Another one follows a HelloRetryRequest.
  advance(at, hello.consumed > 0 ? hello.consumed : at.message().size(), flow::Kind::tls);
  return true;
}

bool Pipeline::read_http(Packet& packet, flow::Flow& flow, unsigned reading) {
  flow::Reading& at = flow.readings[reading];
  const auto octets = at.message();
  inspect::http::Request request;
  const Outcome outcome = inspect::http::parse_request(octets, request);
  for (std::size_t i = at.names_judged; i < request.name_count; ++i) {
    if (find_text(packet, Protocol::http, request.names[i])) {
      findings_[found_ - 1].head = octets[0] == 'H';
    }
  }
  at.names_judged = static_cast<std::uint8_t>(request.name_count);
  if (outcome == Outcome::malformed) {
    settle(flow, reading);
    in_doubt(packet, Id::http_malformed);
    return false;
  }
  if (!request.complete) {
    at.wanted = static_cast<std::uint32_t>(request.wanted);
    return false;
  }
  flow.state = flow::State::passed;
  counters_.add(request.name_count == 0 ? Id::http_no_name : Id::http_requests);
  return follow_http(flow, reading, request);
}

// Where the next request begins; whether it may be there already.
bool Pipeline::follow_http(flow::Flow& flow, unsigned reading,
                           const inspect::http::Request& request) {
  flow::Reading& at = flow.readings[reading];
  if (request.connect) {  // a stream of its own follows
    advance(at, request.head_octets, flow::Kind::unknown);
    flow.kind = flow::Kind::unknown;
    flow.state = flow::State::undecided;  // the proxy's answer ends nothing
    return true;
  }
  const bool long_body = !request.chunked && request.content_length > kMaxBody;
  // Servers do not agree on where such a body ends. Some take it for none.
  const bool none = request.framing_unclear &&
                    inspect::http::may_be_http(at.message().subspan(request.head_octets));
  if (!none && (request.framing_unclear || long_body)) {
    settle(flow, reading);
    return false;
  }
  if (request.chunked && !none) {
    advance(at, request.head_octets, flow::Kind::http_chunk);
  } else {
    advance(at, request.head_octets + (none ? 0 : request.content_length), flow::Kind::http);
  }
  return true;
}

bool Pipeline::read_chunk(flow::Flow& flow, unsigned reading) {
  flow::Reading& at = flow.readings[reading];
  inspect::http::Chunk chunk;
  switch (inspect::http::parse_chunk(at.message(), chunk)) {
    case Outcome::need_more:
      at.wanted = static_cast<std::uint32_t>(at.message().size()) + 1;
      return false;
    case Outcome::found:
      if (chunk.octets > kMaxBody) break;
      advance(at, chunk.octets, chunk.last ? flow::Kind::http : flow::Kind::http_chunk);
      return true;
    default:
      break;
  }
  settle(flow, reading);
  return false;
}

bool Pipeline::read_h2(Packet& packet, flow::Flow& flow, unsigned reading) {
  flow::Reading& at = flow.readings[reading];
  inspect::http::H2Request request;
  const Outcome outcome = inspect::http::parse_h2(at.message(), scratch_, request);
  if (outcome == Outcome::need_more) {
    at.wanted = static_cast<std::uint32_t>(request.wanted);
    return false;
  }
  for (std::size_t i = 0; i < request.name_count; ++i) {
    (void)find_text(packet, Protocol::http, request.names[i]);
  }
  settle(flow, reading);
  if (outcome == Outcome::malformed) {
    in_doubt(packet, Id::http_malformed);
  } else {
    counters_.add(request.name_count == 0 ? Id::http_no_name : Id::http_requests);
  }
  return false;
}

bool Pipeline::read_dns(Packet& packet, flow::Flow& flow, unsigned reading) {
  std::span<const std::uint8_t> message;
  flow::Reading& at = flow.readings[reading];
  const auto octets = at.message();
  if (inspect::dns::next_message(octets, message) == Outcome::need_more) {
    at.wanted = static_cast<std::uint32_t>(octets.size()) + 1;
    return false;
  }
  advance(at, inspect::dns::kLengthOctets + message.size(), flow::Kind::dns);
  flow.state = flow::State::passed;
  if (message.size() < inspect::dns::kHeaderOctets) {
    in_doubt(packet, Id::dns_short_header);  // some servers go on behind it
    return true;
  }
  Asked* asked = keep_copy(packet, message);
  if (asked == nullptr) return false;
  const Outcome outcome = inspect::dns::parse_query(asked->message, asked->query, scratch_);
  if (outcome == Outcome::found) {
    counters_.add(Id::dns_queries);
    for (std::size_t i = 0; i < asked->query.name_count; ++i) {
      add_finding(packet, Protocol::dns).query = static_cast<std::uint16_t>(asked_ - 1);
      name::fold_wire(asked->query.names[i], names_[found_ - 1]);
      begin_look_up();
    }
  } else {
    counters_.add(Id::dns_no_name);
  }
  return true;
}

}  // namespace sluice::pipeline
