// The counters of one lcore, and the cycles that it spent. One writer each: the lcore that owns
// them; anyone may read at any time. Adding a counter is adding a line to the table: its name is
// what statistics, telemetry and the tests call it.
//
// Thread safety: add() by the owner only; value() from any thread. stages() as StageClock says.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/stats/counter.h"
#include "dataplane/stats/stages.h"

namespace sluice::stats {

// clang-format off
#define SLUICE_COUNTERS(X)                                                                    \
  X(rx_packets,            "frames received")                                                 \
  X(rx_bytes,              "octets received")                                                 \
  X(tx_packets,            "frames sent")                                                     \
  X(tx_full_dropped,       "frames lost because a port would not take them in time")         \
  X(forwarded,             "frames passed on")                                     \
  X(inspected,             "frames in which a name was looked for")                          \
  X(dns_queries,           "DNS queries whose name was judged")                              \
  X(dns_blocked,           "DNS queries answered here")                                      \
  X(dns_no_name,           "DNS messages that ask for no name here")                         \
  X(dns_group_addressed,   "DNS queries to multicast or broadcast, never answered")          \
  X(dns_answer_no_room,    "blocked DNS queries dropped: the answer did not fit its buffer") \
  X(dns_responses,         "DNS responses read for the names they lead to")                   \
  X(dns_response_blocked,  "DNS responses replaced: their chain leads through a blocked name") \
  X(dns_response_malformed, "passed: not a readable DNS response")                            \
  X(dns_rewritten,         "DNS queries for safe search, asked for the engine's safe name")    \
  X(dns_rewritten_back,    "DNS responses to those, given under the name that was asked for")  \
  X(dns_safe_answered,     "DNS queries for safe search answered here: another type, or over TCP") \
  X(dns_safe_awaited,      "of safe search, segments withheld until the addresses are known")  \
  X(dns_safe_failed,       "of safe search, queries answered as failed")                       \
  X(dns_safe_table_full,   "of safe search, queries whose answers are of no use: others took their room") \
  X(dns_unsafe_refused,    "DNS responses withheld: of a safe search name that was not asked for safely") \
  X(tls_client_hellos,     "ClientHellos whose names were judged")                           \
  X(tls_blocked,           "ClientHellos refused")                                           \
  X(tls_no_name,           "ClientHellos without a server name")                             \
  X(tls_incomplete,        "segments of ClientHellos that go on in a later one")             \
  X(ech_real,              "ClientHellos with ECH that a DNS answer seen here offered")      \
  X(ech_grease,            "ClientHellos with ECH that no DNS answer seen here offered")     \
  X(quic_initials,         "datagrams with client Initials that opened")                     \
  X(quic_client_hellos,    "QUIC ClientHellos whose names were judged")                      \
  X(quic_blocked,          "QUIC connections refused")                                       \
  X(quic_no_name,          "QUIC ClientHellos without a server name")                        \
  X(quic_unopened,         "passed: QUIC Initials that no key opened")                       \
  X(quic_unknown_version,  "passed: QUIC of a version that is not known, to port 443")        \
  X(quic_forgotten,        "withheld: of an attempt whose front was forgotten, until it is sent again")  \
  X(quic_malformed,        "passed: opened Initials without a readable ClientHello")         \
  X(dtls_client_hellos,    "DTLS ClientHellos whose names were judged")                      \
  X(dtls_blocked,          "DTLS ClientHellos refused")                                      \
  X(dtls_malformed,        "passed: not a readable DTLS ClientHello")                        \
  X(http_requests,         "HTTP requests whose hosts were judged")                          \
  X(http_blocked,          "HTTP requests refused")                                          \
  X(http_no_name,          "HTTP requests without a host")                                   \
  X(http_malformed,        "passed: not a readable HTTP request")                            \
  X(http_ip_literal,       "passed: IP address as HTTP host")                                \
  X(http_bad_name,         "passed: HTTP host that is no host name")                         \
  X(socks_names,           "SOCKS requests whose name was judged")                           \
  X(socks_blocked,         "SOCKS requests refused")                                         \
  X(resets_sent,           "TCP segments and QUIC packets sent to refuse")                   \
  X(resets_lost,           "refusals not sent for want of a buffer")                         \
  X(refusals_limited,      "refused in silence: too many refusals for one client")           \
  X(flow_refused_again,    "frames withheld of flows that were refused before")              \
  X(flow_cut,              "frames of open connections cut when their category's hours ended")  \
  X(budget_table_full,     "minutes of devices counted with the others for want of room")        \
  X(neighbour_claims,      "ARP and Neighbor Discovery messages read for who holds an address")  \
  X(neighbours_lost,       "of those, and of frames from named addresses, not taken note of: no room") \
  X(unnamed_refused,       "frames refused for carrying no name, where only curated names pass") \
  X(encrypted_dns_refused, "frames to port 853 refused, where the policy has it so")          \
  X(ech_withheld,          "DNS answers whose ECH configurations were taken out")             \
  X(ech_not_withheld,      "passed: DNS answers in pieces whose ECH could not be taken out") \
  X(flow_opened,           "flows whose first octets are kept until their verdict")          \
  X(flow_expired,          "flows forgotten undecided, or tombstones at their end")          \
  X(flow_evicted,          "flows forgotten to make room for newer ones")                    \
  X(flow_table_full,       "flows not kept: no room")                                        \
  X(flow_too_long,         "flows given up: more octets before the verdict than are kept")   \
  X(flow_unknown,          "TCP streams that start as no protocol known here")               \
  X(flow_conflict,         "copies of the same octets that differ: each was judged") \
  X(flow_conflict_again,   "withheld: more copies that differ than can be judged")        \
  X(tcp_bad_checksum,      "passed unread: segments that their receiver drops by checksum")  \
  X(tcp_not_accepted,      "passed unread: segments that their receiver drops by flags") \
  X(tcp_urgent_cleared,    "segments whose urgent flag was taken off, so that both ends read the same") \
  X(tcp_urgent_fragment,   "withheld: urgent octets in IP fragments, which some receivers leave out") \
  X(burst_full,            "passed: more DNS messages over TCP in one burst than are kept")                 \
  X(unanswerable,          "blocked names passed: no single station asked or was asked")       \
  X(verdict_pass,          "names passed")                                                   \
  X(verdict_block,         "names blocked")                                                  \
  X(verdict_log,           "names passed and counted as watched")                            \
  X(verdict_rewrite,       "names of search engines asked for as their safe ones")            \
  X(no_generation_passed,  "frames passed without a list (fail: open)")                      \
  X(no_generation_dropped, "frames dropped without a list (fail: closed)")                   \
  X(frame_truncated,       "passed: the frame is shorter than its headers say")              \
  X(frame_malformed_ip,    "passed: impossible IP header")                                   \
  X(frame_malformed_transport, "passed: UDP or TCP length contradicts IP")                   \
  X(frame_fragment,        "IP fragments seen")                                              \
  X(fragment_datagrams,    "datagrams put together from fragments")                          \
  X(fragment_overlap,      "fragments withheld: they contradict each other")                 \
  X(fragment_refused_again, "fragments withheld of datagrams that were refused")             \
  X(fragment_bad_checksum, "passed unread: IPv4 fragments with a wrong header checksum")       \
  X(fragment_too_large,    "passed: fragment of a datagram longer than is looked at")        \
  X(fragment_table_full,   "passed: fragment of one datagram too many")                      \
  X(frame_too_many_headers, "passed: more tags or extension headers than the bounds")        \
  X(frame_multi_segment,   "passed: frame in several buffers")                               \
  X(dns_short_header,      "passed: DNS message under 12 octets")                            \
  X(dns_question_count,    "passed: QDCOUNT is 0 or over 4")                                       \
  X(dns_cut_question,      "passed: DNS question cut short")                                 \
  X(dns_pointer,           "passed: compression pointer in the question")                    \
  X(dns_label_type,        "passed: obsolete label type")                                    \
  X(dns_name_too_long,     "passed: QNAME over 255 octets")                                  \
  X(dns_cut_record,        "passed: DNS record past the message")                            \
  X(dns_duplicate_opt,     "passed: more than one OPT")                                      \
  X(tls_malformed,         "passed: not a readable ClientHello")                             \
  X(tls_cut_in_flight,     "ClientHellos that were read in part, up to a fault behind a name") \
  X(tls_other_handshake,   "passed: a handshake record of another message than ClientHello")  \
  X(tls_bad_name,          "passed: server name that is no host name")                       \
  X(tls_ip_literal,        "passed: IP address as server name")                              \
  X(vlan_tpid_assumed,     "stacked VLAN tags whose outer type the driver did not tell")     \
  X(vlan_no_room,          "frames lost: no room in the buffer for their stripped VLAN tag")     \
  X(distributed,           "frames handed to another lcore by flow")                         \
  X(distribute_full,       "frames judged here because the other lcore was busy")            \
  X(events_lost,           "block events lost because the ring was full")                    \
  X(bursts,                "bursts of frames judged")                                         \
  X(burst_gap_10us,        "bursts over 10 µs behind the one before, with no pause between")  \
  X(burst_gap_50us,        "likewise, over 50 µs")                                            \
  X(burst_gap_200us,       "likewise, over 200 µs")                                           \
  X(burst_gap_1000us,      "likewise, over 1000 µs")
// clang-format on

enum class Id : std::uint8_t {
#define X(name, help) name,
  SLUICE_COUNTERS(X)
#undef X
      count_
};

inline constexpr std::size_t kCounterCount = static_cast<std::size_t>(Id::count_);

struct Description {
  std::string_view name;
  std::string_view help;
};

inline constexpr std::array<Description, kCounterCount> kDescriptions = {{
#define X(name, help) {#name, help},
    SLUICE_COUNTERS(X)
#undef X
}};

/// Written by the owning lcore, read by the control thread and telemetry. Cache-line aligned, so
/// that no lcore's writes touch another's line.
class alignas(64) Counters {
 public:
  void add(Id id, std::uint64_t n = 1) { values_[static_cast<std::size_t>(id)].add(n); }
  [[nodiscard]] std::uint64_t value(Id id) const {
    return values_[static_cast<std::size_t>(id)].value();
  }
  [[nodiscard]] StageClock& stages() { return stages_; }
  [[nodiscard]] const StageClock& stages() const { return stages_; }

 private:
  std::array<Counter, kCounterCount> values_;
  StageClock stages_;
};

}  // namespace sluice::stats
