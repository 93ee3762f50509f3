// Answers, as ldns reads them.
#include "dataplane/act/dns_answer.h"

#include <gtest/gtest.h>
#include <ldns/ldns.h>
#include <memory>
#include <random>

#include "dataplane/act/plain_answer.h"
#include "dataplane/packet/reply.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::act {
namespace {

using test::Bytes;

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using PacketPtr = std::unique_ptr<ldns_pkt, FreePacket>;

struct Answered {
  Bytes frame;
  Bytes message;
  PacketPtr packet;
};

// The same octets by fewer instructions, where that is for such a query. Says whether it is.
bool expect_same_plainly(Bytes frame, const packet::Frame& parsed, const inspect::dns::Query& query,
                         const DnsBlock& block, std::span<const std::uint8_t> wanted) {
  if (!is_plain_query(parsed, query) || block.answer->dns != policy::DnsAnswer::nxdomain ||
      block.listed_octets >= query.name.size() || frame.size() < plain_answer_room(parsed, query)) {
    return false;
  }
  static TimedSoa soa;  // as a pipeline keeps it
  if (soa.ttl() != block.answer->ttl_seconds) soa.set_ttl(block.answer->ttl_seconds);
  const std::size_t length =
      write_plain_answer(frame.data(), parsed, query, block.listed_octets, soa);
  frame.resize(length);
  EXPECT_EQ(frame, Bytes(wanted.begin(), wanted.end()));
  return true;
}

// The answer in the query's own buffer; the same octets as in another one.
std::size_t write_answer(Bytes& frame, const packet::Frame& parsed,
                         const inspect::dns::Query& query, const DnsBlock& block) {
  const std::span<const std::uint8_t> request(&frame[parsed.payload_offset], parsed.payload_length);
  std::array<std::uint8_t, kMaxDnsMessage> message;
  const std::size_t octets = write_dns_message(request, query, block, message);
  Bytes apart(frame.size());
  const std::size_t length = write_udp_datagram(
      frame, parsed, packet::Way::back, {message.data(), octets}, apart.data(), apart.size());
  (void)expect_same_plainly(frame, parsed, query, block, std::span(apart).first(length));
  EXPECT_EQ(write_dns_datagram(frame, parsed, packet::Way::back, request, query, block,
                               frame.data(), frame.size()),
            length);
  EXPECT_TRUE(std::equal(apart.begin(), apart.begin() + static_cast<std::ptrdiff_t>(length),
                         frame.begin()));
  return length;
}

/// Of the rightmost labels of a wire name, the root's left out.
std::size_t octets_of(std::span<const std::uint8_t> name, unsigned labels) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; name[at] != 0; at += name[at] + 1U) starts.push_back(at);
  starts.push_back(name.size() - 1);
  return labels >= starts.size() ? SIZE_MAX : name.size() - 1 - starts[starts.size() - 1 - labels];
}

Answered answer(Bytes frame, const policy::BlockAnswer& how, std::uint8_t listed_labels = 2) {
  const packet::Frame parsed = packet::parse_frame(frame);
  EXPECT_EQ(parsed.kind, packet::FrameKind::udp);
  inspect::dns::Query query;
  EXPECT_EQ(
      inspect::dns::parse_query({&frame[parsed.payload_offset], parsed.payload_length}, query),
      inspect::Outcome::found);
  const std::size_t original = frame.size();
  frame.resize(1500);
  query = {};
  (void)inspect::dns::parse_query({&frame[parsed.payload_offset], parsed.payload_length}, query);
  IncidentId incident;
  for (unsigned i = 0; i < 8; ++i) incident.bits |= std::uint64_t{10 + i} << 5 * i;  // A to H
  const std::size_t length = write_answer(frame, parsed, query,
                                          {.answer = &how,
                                           .error = ExtendedError::censored,
                                           .category = "gambling",
                                           .incident = incident,
                                           .listed_octets = octets_of(query.name, listed_labels)});
  EXPECT_GT(length, original - 40);
  frame.resize(length);

  Answered out;
  const packet::Frame reply = packet::parse_frame(frame);
  EXPECT_EQ(reply.kind, packet::FrameKind::udp);
  EXPECT_EQ(reply.payload_offset + reply.payload_length, static_cast<int>(frame.size()));
  // A segment whose checksum is right sums to zero with it.
  const std::size_t network = reply.network_offset;
  const auto addresses =
      reply.ipv6 ? std::span(&frame[network + 8], 32) : std::span(&frame[network + 12], 8);
  EXPECT_EQ(
      packet::transport_checksum(addresses, 17, std::span(frame).subspan(reply.transport_offset)),
      0);
  if (!reply.ipv6) {
    EXPECT_EQ(packet::checksum_fold(packet::checksum_add(0, {&frame[network], 20})), 0);
  }
  out.message.assign(frame.begin() + reply.payload_offset, frame.end());
  ldns_pkt* raw = nullptr;
  EXPECT_EQ(ldns_wire2pkt(&raw, out.message.data(), out.message.size()), LDNS_STATUS_OK);
  out.packet.reset(raw);
  out.frame = std::move(frame);
  return out;
}

TEST(DnsAnswer, IsWellFormedForEveryShapeOfQuery) {
  const Bytes cookie = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
  for (const bool ipv6 : {false, true}) {
    for (const bool opt : {false, true}) {
      for (const std::uint16_t type : {1, 28, 65, 16, 255, 2}) {
        const Bytes query = test::dns_query(
            "WwW.bLocked.Example",
            {.type = type, .opt = opt, .dnssec_ok = opt, .options = opt ? cookie : Bytes{}});
        const Bytes frame = test::frame(
            query, {.ipv6 = ipv6, .vlans = {{0x88a8, 100}, {0x8100, 7}}, .source_port = 40000});
        const Answered got = answer(frame, {});
        ldns_pkt* p = got.packet.get();
        ASSERT_NE(p, nullptr);
        EXPECT_EQ(ldns_pkt_id(p), 0x1234);
        EXPECT_TRUE(ldns_pkt_qr(p));
        EXPECT_TRUE(ldns_pkt_rd(p));
        EXPECT_TRUE(ldns_pkt_ra(p));
        EXPECT_FALSE(ldns_pkt_aa(p));
        EXPECT_FALSE(ldns_pkt_ad(p));
        EXPECT_FALSE(ldns_pkt_tc(p));
        EXPECT_EQ(ldns_pkt_get_rcode(p), LDNS_RCODE_NXDOMAIN);
        EXPECT_EQ(ldns_pkt_ancount(p), 0);
        ASSERT_EQ(ldns_pkt_nscount(p), 1);
        const ldns_rr* soa = ldns_rr_list_rr(ldns_pkt_authority(p), 0);
        EXPECT_EQ(ldns_rr_get_type(soa), LDNS_RR_TYPE_SOA);
        EXPECT_EQ(ldns_rr_ttl(soa), 30U);
        EXPECT_EQ(ldns_pkt_edns(p), opt);
        // The question comes back octet for octet, in the client's own spelling.
        EXPECT_TRUE(
            std::equal(query.begin() + 12, query.begin() + 12 + 21 + 4, got.message.begin() + 12));
        // MAC addresses swapped, the tag stack kept.
        EXPECT_EQ(Bytes(got.frame.begin(), got.frame.begin() + 6),
                  Bytes(frame.begin() + 6, frame.begin() + 12));
        EXPECT_EQ(Bytes(got.frame.begin() + 12, got.frame.begin() + 20),
                  Bytes(frame.begin() + 12, frame.begin() + 20));
        if (!opt) continue;
        EXPECT_TRUE(ldns_pkt_edns_do(p));
        const ldns_rdf* options = ldns_pkt_edns_data(p);
        ASSERT_NE(options, nullptr);
        const Bytes data(ldns_rdf_data(options), ldns_rdf_data(options) + ldns_rdf_size(options));
        ASSERT_GT(data.size(), 26U);
        EXPECT_EQ(Bytes(data.begin(), data.begin() + 12),
                  (Bytes{0, 10, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8}));
        EXPECT_EQ(Bytes(data.begin() + 20, data.begin() + 26), (Bytes{0, 15, 0, 29, 0, 16}));
        EXPECT_EQ(std::string(data.begin() + 26, data.end()), "gambling; incident ABCDEFGH");
      }
    }
  }
}

TEST(DnsAnswer, GivesTheBlockPagesAddress) {
  policy::BlockAnswer how;
  how.dns = policy::DnsAnswer::address;
  how.page_ipv4 = {192, 0, 2, 80};
  const auto counts = [&](std::uint16_t type) {
    const Answered got =
        answer(test::frame(test::dns_query("www.blocked.example", {.type = type})), how);
    EXPECT_EQ(ldns_pkt_get_rcode(got.packet.get()), LDNS_RCODE_NOERROR);
    return std::pair<int, int>(ldns_pkt_ancount(got.packet.get()),
                               ldns_pkt_nscount(got.packet.get()));
  };
  EXPECT_EQ(counts(1), std::pair(1, 0));
  EXPECT_EQ(counts(28), std::pair(0, 1));  // no IPv6 page: NODATA
  EXPECT_EQ(counts(65), std::pair(0, 1));
  how.page_ipv6.emplace();
  EXPECT_EQ(counts(28), std::pair(1, 0));
  EXPECT_EQ(counts(255), std::pair(2, 0));
  const Answered got = answer(test::frame(test::dns_query("blocked.example")), how);
  const ldns_rr* rr = ldns_rr_list_rr(ldns_pkt_answer(got.packet.get()), 0);
  EXPECT_EQ(Bytes(ldns_rdf_data(ldns_rr_rdf(rr, 0)), ldns_rdf_data(ldns_rr_rdf(rr, 0)) + 4),
            (Bytes{192, 0, 2, 80}));
}

TEST(DnsAnswer, OwnsTheSoaAtTheListedName) {
  const auto owner = [](std::uint8_t labels) {
    const Answered got = answer(test::frame(test::dns_query("a.b.blocked.example")), {}, labels);
    const ldns_rr* soa = ldns_rr_list_rr(ldns_pkt_authority(got.packet.get()), 0);
    const std::unique_ptr<char, decltype(&free)> text(ldns_rdf2str(ldns_rr_owner(soa)), &free);
    return std::string(text.get());
  };
  EXPECT_EQ(owner(2), "blocked.example.");
  EXPECT_EQ(owner(4), "a.b.blocked.example.");
  EXPECT_EQ(owner(1), "example.");
}

TEST(DnsAnswer, TheLongestNameFits) {
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  const Bytes cookie = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
  const Answered got = answer(
      test::frame(test::dns_query(longest + "a", {.opt = true, .options = cookie})), {}, 127);
  EXPECT_LE(got.message.size(), 512U);
  EXPECT_EQ(ldns_pkt_nscount(got.packet.get()), 1);
}

TEST(DnsAnswer, IsTheSameForPlainQueriesOfEveryLength) {
  std::mt19937 random(11);  // NOLINT
  for (std::size_t octets = 1; octets <= 240; ++octets) {
    std::string name(1 + random() % std::min<std::size_t>(60, octets), 'a');
    while (name.size() + 1 < octets) {
      const std::size_t label = 1 + random() % std::min<std::size_t>(60, octets - name.size() - 1);
      name = std::string(label, 'b') + "." + name;
    }
    const std::vector<std::pair<std::uint16_t, std::uint16_t>> tag = {{0x8100, 7}};
    Bytes frame = test::frame(
        test::dns_query(name, {.type = static_cast<std::uint16_t>(random() % 2 == 0 ? 1 : 28)}),
        {.vlans = random() % 2 == 0 ? tag : decltype(tag){}, .source_port = 40000});
    frame.resize(1500);
    const packet::Frame parsed = packet::parse_frame(frame);
    inspect::dns::Query query;
    ASSERT_EQ(
        inspect::dns::parse_query({&frame[parsed.payload_offset], parsed.payload_length}, query),
        inspect::Outcome::found);
    const policy::BlockAnswer how{.ttl_seconds = static_cast<std::uint32_t>(random() % 61)};
    const DnsBlock block{.answer = &how, .listed_octets = octets_of(query.name, 1)};
    Bytes apart(frame.size());
    std::array<std::uint8_t, kMaxDnsMessage> message;
    const std::size_t answered =
        write_dns_message(std::span(frame).subspan(parsed.payload_offset, parsed.payload_length),
                          query, block, message);
    const std::size_t length = write_udp_datagram(
        frame, parsed, packet::Way::back, {message.data(), answered}, apart.data(), apart.size());
    ASSERT_TRUE(expect_same_plainly(frame, parsed, query, block, std::span(apart).first(length)));
  }
}

TEST(DnsAnswer, DropsIpOptionsAndExtensionHeaders) {
  answer(test::frame(test::dns_query("blocked.example"), {.ip_options = Bytes(40, 1)}), {});
  const Bytes chain = {17, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  answer(test::frame(test::dns_query("blocked.example"),
                     {.ipv6 = true, .extension_headers = chain, .first_extension = 60}),
         {});
}

TEST(DnsAnswer, SaysWhenTheBufferIsTooSmall) {
  Bytes frame = test::frame(test::dns_query("blocked.example"));
  const packet::Frame parsed = packet::parse_frame(frame);
  inspect::dns::Query query;
  (void)inspect::dns::parse_query({&frame[parsed.payload_offset], parsed.payload_length}, query);
  const policy::BlockAnswer how;
  const Bytes before = frame;
  EXPECT_EQ(write_answer(frame, parsed, query, {.answer = &how}), 0U);
  EXPECT_EQ(frame, before);
}

}  // namespace
}  // namespace sluice::act
