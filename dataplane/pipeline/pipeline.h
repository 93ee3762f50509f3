// The way of a burst: parse, classify, look up, decide, act; each a pass over all frames. Knows
// bytes, not ports: the workers run it over mbufs and sluice-replay over captures, so that both do
// the same.
//
// Two rules hold throughout. Early pieces of a message go on at once, and only the one that makes a
// blocked name readable is withheld, so that nothing is ever held back to wait. And a pass is final
// only when the server has answered, a block at once and for the flow's later frames too.
//
// Thread safety: one Pipeline belongs to one lcore. process() neither allocates, locks nor logs.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/act/dns_answer.h"
#include "dataplane/act/incident.h"
#include "dataplane/act/plain_answer.h"
#include "dataplane/budget/activity.h"
#include "dataplane/flow/active_flows.h"
#include "dataplane/flow/fragments.h"
#include "dataplane/flow/limiter.h"
#include "dataplane/flow/syn_cache.h"
#include "dataplane/flow/table.h"
#include "dataplane/index/snapshot.h"
#include "dataplane/inspect/quic/initial.h"
#include "dataplane/inspect/tls/client_hello.h"
#include "dataplane/neighbour/sighting.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/pipeline/ech_seen.h"
#include "dataplane/pipeline/safe_table.h"
#include "dataplane/stats/counters.h"
#include "dataplane/stats/event_ring.h"
#include "dataplane/trial/passed_names.h"

namespace sluice::inspect::http {
struct Request;
}

namespace sluice::pipeline {

/// Passes, but for nothing that allows the name whatever a policy blocks.
[[nodiscard]] inline bool hangs_on_policy(const policy::Verdict& verdict) {
  return verdict.reason == policy::Reason::listed_only ||
         verdict.reason == policy::Reason::watched || verdict.reason == policy::Reason::curated;
}

class Pipeline {
 public:
  /// `lcore`: which of the snapshot's look-ups is ours. `secret`: random, for incident ids and the
  /// flow table. `events` may be null.
  Pipeline(unsigned lcore, std::uint64_t secret, stats::Counters& counters,
           stats::EventRing* events);
  ~Pipeline();

  /// At most kBurst packets. Sets fate, length and bytes of each; findings() and emissions() hold
  /// for this burst until the next call. `now_ms`: of any clock that never goes back.
  [[gnu::noinline]] void process(const index::Snapshot& snapshot, std::span<Packet> packets,
                                 std::uint64_t now_ms);

  [[nodiscard]] std::span<const Finding> findings() const { return {findings_.data(), found_}; }
  [[nodiscard]] const name::FoldedName& name(std::size_t finding) const { return names_[finding]; }
  [[nodiscard]] std::span<const Emission> emissions() const {
    return {emissions_.data(), emitted_};
  }
  /// The finding's group, also where the verdict did not need it.
  [[nodiscard]] std::uint16_t group(const Finding& finding) const;
  [[nodiscard]] const flow::Table& flows() const { return flows_; }
  /// Which devices spend minutes; read by the control thread.
  [[nodiscard]] const budget::Activity& activity() const { return activity_; }
  /// Which addresses devices hold; popped by the control thread.
  [[nodiscard]] neighbour::SightingRing& sightings() { return sightings_; }
  /// Hashes of a few names that passed; read by the control thread.
  [[nodiscard]] const trial::PassedNames& passed() const { return passed_; }

 private:
  // pipeline.cpp: the passes.
  void parse(std::span<Packet> packets);
  void piece_together(Packet& packet);
  void classify(std::span<Packet> packets);
  void look_up();
  [[gnu::noinline]] void decide();
  void count_verdict(const Finding& finding);
  // whose.cpp: the same where it matters whose a name is, or which one.
  [[nodiscard]] bool asks_whose() const {
    return table_->any_asks_names || snapshot_->groups().knows_devices();
  }
  [[gnu::noinline]] void decide_whose(bool count);
  /// Where any group has an `only`: false where none concerns whose frame it is, which is told
  /// sooner than its group.
  [[nodiscard]] bool may_be_curated(const Packet& packet, bool response) const {
    return !table_->curated_claims || claims_curated(packet, response);
  }
  [[nodiscard]] bool claims_curated(const Packet& packet, bool response) const;
  void find_groups(std::span<const std::uint16_t> asked);
  void decide_of_group(Finding& finding, const generation::Answer& answer,
                       const name::FoldedName& name);
  [[nodiscard]] std::uint16_t group_of_device(const Packet& packet, bool response) const;
  [[nodiscard, gnu::noinline]] std::uint16_t group_behind_mac(const Packet& packet,
                                                              bool response) const;
  [[gnu::noinline]] void decide_by_lists(Finding& finding, const generation::Answer& answer,
                                         const name::FoldedName& name);
  // safe_search.cpp, safe_response.cpp
  [[gnu::cold, gnu::noinline]] void decide_safe_search(Finding& finding,
                                                       const name::FoldedName& name);
  [[gnu::cold, gnu::noinline]] void rewrite(std::size_t index);
  void send_in_place(Packet& packet, packet::Way way, std::span<const std::uint8_t> message);
  bool ask_safely(Packet& packet, const Asked& asked, std::span<const std::uint8_t> safe);
  SafeQuery& note_safe_query(const flow::Key& key, std::uint64_t hash, std::uint16_t id,
                             std::uint16_t type);
  [[nodiscard]] bool is_whole_stream(const Packet& packet) const;
  std::size_t answer_safely(const Packet& packet, const Asked& asked,
                            std::span<const std::uint8_t> safe,
                            std::span<std::uint8_t, act::kMaxSafeAnswer> out);
  void answer_in_stream(Packet& packet);
  bool await_addresses(Packet& packet, const Asked& asked, std::span<const std::uint8_t> safe);
  [[gnu::cold, gnu::noinline]] bool find_in_safe_response(Packet& packet,
                                                          std::span<const std::uint8_t> message);
  void answer_as_asked(Packet& packet, std::span<const std::uint8_t> message,
                       const inspect::dns::AddressResponse& response, SafeQuery& query);
  void refuse_unsafe(Packet& packet, const Finding& finding, std::span<const std::uint8_t> safe);
  // active.cpp: what lasts, and what it costs of a budget.
  [[gnu::cold, gnu::noinline]] void keep_active(const Packet& packet, flow::Admitted what);
  [[gnu::cold, gnu::noinline]] void track(Finding& finding, const generation::Answer& answer,
                                          const policy::Masks& masks);
  [[nodiscard]] std::uint32_t spend(const Packet& packet, bool from_server,
                                    policy::CategoryMask categories, const policy::Masks& masks,
                                    bool counts);
  void make_room();
  [[gnu::cold, gnu::noinline]] void note_passed();
  void act(std::span<Packet> packets);
  void finish();
  void count_frame(packet::FrameKind kind);

  // finding.cpp: what the inspectors' results become.
  Finding& add_finding(const Packet& packet, stats::Protocol protocol) {
    // A DNS message's names have got their room by keep_message().
    if (found_ == kMaxFindings && protocol != stats::Protocol::dns) make_room();
    Finding& finding = findings_[found_++];
    std::construct_at(&finding);
    finding.packet = index_of(packet);
    finding.protocol = protocol;
    finding.transport = packet.frame.protocol;
    return finding;
  }
  void drop_last_finding() { --found_; }
  /// Once the last finding's name is there.
  void begin_look_up() { snapshot_->lookup(lcore_).begin(names_[found_ - 1], walks_[found_ - 1]); }
  bool find_text(Packet& packet, stats::Protocol protocol, std::string_view text);
  bool read_text(Packet& packet, Finding& finding, std::string_view text);
  std::uint8_t find_hello(Packet& packet, stats::Protocol protocol,
                          const inspect::tls::ClientHello& hello, std::uint8_t from);
  Ech ech_of(const inspect::tls::ClientHello& hello);
  /// A place for a message and its names, for as long as the burst lasts.
  Asked& keep_message(std::span<const std::uint8_t> message) {
    if (asked_ == kMaxQueries || found_ + kMaxNamesOfMessage > kMaxFindings) make_room();
    Asked& asked = asked_messages_[asked_++];
    asked.message = message;
    return asked;
  }
  Asked* keep_copy(Packet& packet, std::span<const std::uint8_t> message);
  void in_doubt(Packet& packet, stats::Id reason);
  /// As the frame has it; and as the policy names it.
  static policy::Client sender_of(const Packet& packet, bool response) {
    policy::Client client;
    const std::size_t mac = packet.frame.link_offset + (response ? 0U : 6U);
    std::memcpy(client.mac.data(), &packet.view[mac], client.mac.size());
    client.has_ip = true;
    client.ipv6 = packet.frame.ipv6;
    client.address = response ? packet::destination_address(packet.view, packet.frame)
                              : packet::source_address(packet.view, packet.frame);
    client.outer_vlan = packet.frame.outer_vlan;
    client.inner_vlan = packet.frame.inner_vlan;
    client.port = packet.port;
    return client;
  }
  policy::Client client_of(const Packet& packet, bool response) const {
    policy::Client client = sender_of(packet, response);
    if (table_->neighbours != nullptr) [[unlikely]]
      stand_in(client);
    return client;
  }
  std::uint16_t group_of(const Packet& packet, bool response) const {
    return snapshot_->groups().knows_devices() ? group_of_device(packet, response)
                                               : std::uint16_t{0};
  }
  const policy::Masks& masks_of(const Packet& packet, bool response) const {
    return masks_[group_of(packet, response)];
  }

  // neighbours.cpp: which addresses are one device's.
  [[gnu::cold, gnu::noinline]] void read_claim(const Packet& packet);
  [[gnu::cold, gnu::noinline]] void sample_uses();
  [[gnu::cold, gnu::noinline]] void stand_in(policy::Client& client) const;
  void note_sighting(const policy::Client& client, neighbour::Seen seen);

  // find_udp.cpp
  void find_in_udp(Packet& packet);
  void find_in_query(Packet& packet);
  bool read_query(Packet& packet, Asked& asked);
  void find_in_response(Packet& packet, std::span<const std::uint8_t> message, bool cut = false);
  bool withhold_ech(Packet& packet, std::span<const std::uint8_t> message, std::size_t records_at);
  void find_in_responses(Packet& packet, std::span<const std::uint8_t> octets);
  void find_in_quic(Packet& packet, flow::Flow* flow, const flow::Key& key, std::uint64_t hash);
  void expect_initials(const Packet& reached);
  bool read_initial(Packet& packet, flow::Flow& flow, const inspect::quic::Opened& opened);
  void read_quic(Packet& packet, flow::Flow& flow, const inspect::quic::Opened& opened,
                 flow::Reading& at);
  void find_in_gquic(Packet& packet, const flow::Key& key, std::uint64_t hash);
  void find_in_dtls(Packet& packet, flow::Flow* flow, const flow::Key& key, std::uint64_t hash);

  // write_octets.cpp
  bool write_octets(Packet& packet, flow::Flow& flow, std::uint8_t stream, std::uint32_t at,
                    std::span<const std::uint8_t> octets);
  bool too_many_copies(Packet& packet);

  // find_tcp.cpp: segments into readings.
  void from_server(Packet& packet);
  void from_client(Packet& packet);
  bool awaits_verdict(const flow::Flow& flow) const;
  bool is_acceptable(const Packet& packet, const packet::TcpFields& tcp);
  bool has_good_checksum(const Packet& packet) const;
  flow::Flow* open_stream(const flow::Key& key, std::uint64_t hash, std::uint32_t sequence);
  void add_octets(Packet& packet, flow::Flow& flow, std::uint32_t sequence);
  void clear_urgent(Packet& packet);

  // find_stream.cpp: readings into names.
  static bool is_start(std::span<const std::uint8_t> octets, std::uint16_t server_port);
  void read_stream(Packet& packet, flow::Flow& flow, unsigned reading);
  bool guess(Packet& packet, flow::Flow& flow, unsigned reading);
  bool read_tls(Packet& packet, flow::Flow& flow, unsigned reading);
  bool read_http(Packet& packet, flow::Flow& flow, unsigned reading);
  static bool read_chunk(flow::Flow& flow, unsigned reading);
  bool read_h2(Packet& packet, flow::Flow& flow, unsigned reading);
  bool read_dns(Packet& packet, flow::Flow& flow, unsigned reading);
  static bool follow_http(flow::Flow& flow, unsigned reading,
                          const inspect::http::Request& request);
  static void settle(flow::Flow& flow, unsigned reading);
  static void advance(flow::Reading& reading, std::uint64_t octets, flow::Kind next);
  void give_up(flow::Flow& flow);

  // refuse.cpp
  void refuse(std::size_t index);
  [[gnu::noinline]] generation::Record deciding_record(std::size_t index);
  bool answer_plainly(const Finding& finding, std::size_t index);
  [[gnu::noinline]] void refuse_at_length(const Finding& finding, std::size_t index,
                                          const generation::Record& record);
  void answer(const Finding& finding, Packet& packet, const act::DnsBlock& block, packet::Way way);
  void become(Packet& packet, packet::Way way, std::size_t length);
  void refuse_stream(const Finding& finding, Packet& packet, const act::DnsBlock& block);
  void refuse_datagram(Packet& packet, flow::Flow* flow);
  void refuse_again(Packet& packet);
  void close_quic(const Packet& packet, const inspect::quic::Connection& connection);
  // refuse_encrypted_dns.cpp
  [[gnu::cold]] bool refuse_encrypted_dns(Packet& packet, bool stream);
  [[gnu::cold]] void close_initial(const Packet& packet);
  // active.cpp
  /// Where active_.any(): true where the frame's connection was let through, and is to be no
  /// longer.
  [[gnu::cold, gnu::noinline]] bool is_cut(Packet& packet, bool from_server, std::uint64_t hash);
  void end_connection(Packet& packet);
  void reset(Packet& packet, packet::Way way);
  void write_reset(Packet& packet, packet::Way way, act::TcpNumbers numbers);
  Emission* emit(const Packet& packet, packet::Way way);
  bool may_refuse(const Packet& packet);
  /// RFC 7858, RFC 9250: whether it goes to the port, and any group has it refused.
  [[nodiscard]] bool refuses_encrypted_dns(const Packet& packet) const {
    return packet::load16(&packet.view[packet.frame.transport_offset + 2U]) == kEncryptedDnsPort &&
           snapshot_->groups().any_refuses_encrypted_dns();
  }
  void report(const Finding& finding, std::size_t index, const generation::Record& record,
              act::IncidentId incident);

  // unnamed.cpp: where masks_ of any group have refuse_unnamed.
  [[gnu::noinline]] void refuse_unnamed(std::span<Packet> packets);
  [[nodiscard]] bool may_pass_unnamed(const Packet& packet, bool from_server,
                                      const policy::Masks& masks);

  void begin_flow(Packet& packet) const;
  /// As the client's frames make it.
  [[nodiscard, gnu::always_inline]] static flow::Key key_of(const Packet& packet,
                                                            bool from_server) {
    const std::uint8_t* const ports = packet.view.data() + packet.frame.transport_offset;
    const auto source = packet::source_address(packet.view, packet.frame);
    const auto destination = packet::destination_address(packet.view, packet.frame);
    return {.client = from_server ? destination : source,
            .server = from_server ? source : destination,
            .client_port = packet::load16(ports + (from_server ? 2 : 0)),
            .server_port = packet::load16(ports + (from_server ? 0 : 2)),
            .outer_vlan = packet.frame.outer_vlan,
            .inner_vlan = packet.frame.inner_vlan,
            .wire = packet.wire,
            .protocol = packet.frame.protocol,
            .ipv6 = packet.frame.ipv6};
  }
  [[nodiscard]] std::uint8_t index_of(const Packet& packet) const {
    return static_cast<std::uint8_t>(&packet - packets_.data());
  }
  [[nodiscard]] std::span<const std::uint8_t> payload_of(const Packet& packet) const {
    return packet.view.subspan(packet.frame.payload_offset, packet.frame.payload_length);
  }

  static constexpr std::size_t kScratchOctets = 65536;
  static constexpr std::uint16_t kEncryptedDnsPort = 853;
  static constexpr std::uint64_t kSampleMs = 5;
  // At most 4,096 names are kept: half an hour of a busy network, days of a home.
  static constexpr std::uint64_t kPassedMs = 500;

  unsigned lcore_;
  std::uint64_t secret_;
  act::IncidentSource incidents_;
  stats::Counters& counters_;
  stats::EventRing* events_;

  flow::Table flows_;
  flow::SynCache syns_;
  flow::ActiveFlows active_;
  budget::Activity activity_;
  neighbour::SightingRing sightings_;
  trial::PassedNames passed_;
  flow::Fragments fragments_;
  flow::Limiter limiter_;
  act::TimedSoa soa_;
  EchSeen ech_;
  SafeQueries safe_queries_;
  SafeAddresses safe_addresses_;
  std::unique_ptr<inspect::quic::Crypto> crypto_;

  // The burst at hand.
  const index::Snapshot* snapshot_ = nullptr;
  const index::Snapshot::MaskTable* table_ = nullptr;  // the snapshot's, as of now
  const policy::Masks* masks_ = nullptr;               // table_'s
  std::uint64_t now_ms_ = 0;
  std::uint64_t sampled_ms_ = 0;  // when a burst from outside was looked at last
  std::uint64_t passed_ms_ = 0;   // when a name that passed was kept last
  std::uint64_t burst_ = 0;
  std::uint64_t initials_of_ = 0;  // the latest burst that held a client's Initial
  std::span<Packet> packets_;
  std::size_t found_ = 0;
  std::size_t asked_ = 0;
  std::size_t emitted_ = 0;
  std::size_t messages_used_ = 0;
  std::size_t closing_ = 0;
  std::uint32_t let_through_ = 0;  // a bit a frame that had a name which no finding tells
  static_assert(kBurst <= 32);
  std::array<Finding, kMaxFindings> findings_;
  std::array<generation::Answer, kMaxFindings> answers_;
  std::array<generation::EntryView, kMaxFindings> entries_;
  std::array<name::FoldedName, kMaxFindings> names_;
  std::array<index::SuffixIndex::Walk, kMaxFindings> walks_;
  std::array<Asked, kMaxQueries> asked_messages_;
  std::array<Emission, kBurst * 3> emissions_;
  std::array<flow::Flow*, kBurst * 2> to_close_;
  std::array<std::uint8_t, kScratchOctets> messages_;  // copies that outlive their stream's buffer
  std::array<std::uint8_t, kScratchOctets> scratch_;   // the inspectors'
};

}  // namespace sluice::pipeline
