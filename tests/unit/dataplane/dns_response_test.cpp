// Responses as ldns writes them, compressed, and as it reads them.
#include <algorithm>
#include <gtest/gtest.h>
#include <ldns/ldns.h>
#include <memory>
#include <set>

#include "dataplane/inspect/dns/response.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::inspect::dns {
namespace {

using test::Bytes;

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using PacketPtr = std::unique_ptr<ldns_pkt, FreePacket>;

enum class Section { answer, authority, additional };
struct Line {
  const char* text;
  Section section = Section::answer;
};

/// ldns compresses owner names and targets on the wire.
Bytes response(const char* name, std::initializer_list<Line> lines) {
  const PacketPtr packet(
      ldns_pkt_query_new(ldns_dname_new_frm_str(name), LDNS_RR_TYPE_A, LDNS_RR_CLASS_IN, LDNS_RD));
  ldns_pkt_set_qr(packet.get(), true);
  for (const Line& line : lines) {
    ldns_rr* rr = nullptr;
    EXPECT_EQ(ldns_rr_new_frm_str(&rr, line.text, 60, nullptr, nullptr), LDNS_STATUS_OK)
        << line.text;
    const ldns_pkt_section section = line.section == Section::answer      ? LDNS_SECTION_ANSWER
                                     : line.section == Section::authority ? LDNS_SECTION_AUTHORITY
                                                                          : LDNS_SECTION_ADDITIONAL;
    EXPECT_TRUE(ldns_pkt_push_rr(packet.get(), section, rr));
  }
  std::uint8_t* wire = nullptr;
  std::size_t size = 0;
  EXPECT_EQ(ldns_pkt2wire(&wire, packet.get(), &size), LDNS_STATUS_OK);
  const std::unique_ptr<std::uint8_t, decltype(&free)> owned(wire, &free);
  return {wire, wire + size};
}

/// A record with raw RDATA, its owner a pointer to QNAME.
void put_record(Bytes& message, std::uint16_t type, const Bytes& data) {
  message[7] = static_cast<std::uint8_t>(message[7] + 1);
  test::put16(message, 0xc00c);
  test::put16(message, type);
  test::put16(message, 1);
  test::put32(message, 60);
  test::put16(message, static_cast<unsigned>(data.size()));
  test::put(message, data);
}

Bytes bare_response(std::string_view name) { return test::dns_query(name, {.flags = 0x8180}); }

std::string text_of(std::span<const std::uint8_t> wire) {
  std::string out;
  for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) {
    out.append(wire.begin() + static_cast<long>(at) + 1,
               wire.begin() + static_cast<long>(at) + 1 + wire[at]);
    out += '.';
  }
  return out;
}

class DnsResponse : public testing::Test {
 protected:
  Outcome parse(const Bytes& message) {
    message_ = message;
    return parse_response(message_, scratch_, out_);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < out_.count; ++i) out.push_back(text_of(out_.names[i]));
    return out;
  }
  Defect defect(const Bytes& message) {
    EXPECT_EQ(parse(message), Outcome::malformed);
    EXPECT_EQ(out_.count, 0U);
    return out_.defect;
  }

  Bytes message_;
  std::array<std::uint8_t, kResponseScratchOctets> scratch_{};
  Response out_;
};

using Names = std::vector<std::string>;

TEST_F(DnsResponse, TellsWhatAnAliasLeadsTo) {
  EXPECT_EQ(parse(response("www.Allowed.example.",
                           {{"www.allowed.example. 60 IN CNAME a.cdn.example."},
                            {"a.cdn.example. 60 IN CNAME Blocked.example."},
                            {"blocked.EXAMPLE. 60 IN A 192.0.2.1"},
                            {"example. 60 IN NS ns.example.", Section::authority},
                            {"ns.example. 60 IN A 192.0.2.2", Section::additional}})),
            Outcome::found);
  EXPECT_EQ(names(), (Names{"a.cdn.example.", "Blocked.example."}));
  EXPECT_EQ(text_of(out_.question.name), "www.Allowed.example.");
  EXPECT_EQ(out_.question.type, 1);
  EXPECT_EQ(out_.question.question_end, 12U + out_.question.name.size() + 4);
  EXPECT_FALSE(out_.overflow);
}

TEST_F(DnsResponse, HasNoNameButTheOneAskedFor) {
  EXPECT_EQ(parse(response("a.example.", {{"A.EXAMPLE. 60 IN A 192.0.2.1"}})), Outcome::no_name);
  EXPECT_EQ(parse(response("a.example.", {})), Outcome::no_name);
  EXPECT_EQ(parse(test::dns_query("a.example")), Outcome::no_name);
  EXPECT_EQ(parse(test::dns_query("a.example", {.flags = 0xa800})), Outcome::no_name);  // UPDATE
}

TEST_F(DnsResponse, TellsTheTargetOfADnameButNotItsOwner) {
  EXPECT_EQ(parse(response("a.b.example.", {{"b.example. 60 IN DNAME blocked.example."},
                                            {"a.b.example. 60 IN CNAME a.blocked.example."}})),
            Outcome::found);
  EXPECT_EQ(names(), (Names{"blocked.example.", "a.blocked.example."}));
}

TEST_F(DnsResponse, TellsForeignOwnersOnce) {
  EXPECT_EQ(parse(response("a.example.", {{"blocked.example. 60 IN A 192.0.2.1"},
                                          {"blocked.example. 60 IN A 192.0.2.2"}})),
            Outcome::found);
  EXPECT_EQ(names(), Names{"blocked.example."});
}

Bytes ech_list(std::uint8_t id, std::string_view name, unsigned version = 0xfe0d) {
  Bytes contents = {id, 0, 0x20, 0, 4, 1, 2, 3, 4, 0, 4, 0, 1, 0, 1, 0};
  contents.push_back(static_cast<std::uint8_t>(name.size()));
  test::put(contents, name);
  test::put16(contents, 0);
  return test::extension(version, contents);
}

Bytes service(std::string_view target, const Bytes& configs) {
  Bytes data = {0, 1};
  test::put(data, test::wire_name(target));
  test::put(data, Bytes{0, 1, 0, 3, 2, 'h', '2'});
  Bytes list;
  test::put16(list, static_cast<unsigned>(configs.size()));
  test::put(list, configs);
  test::put(data, test::extension(5, list));
  return data;
}

TEST_F(DnsResponse, TellsServiceTargetsAndEch) {
  Bytes configs = ech_list(7, "public.example");
  test::put(configs, ech_list(8, "old.example", 0xfe0a));
  test::put(configs, ech_list(9, "other.example"));
  Bytes message = bare_response("a.example");
  put_record(message, kTypeHttps, service("", configs));
  EXPECT_EQ(parse(message), Outcome::no_name);  // "." is QNAME itself
  ASSERT_EQ(out_.ech_count, 2U);
  EXPECT_EQ(out_.ech[0].config_id, 7);
  EXPECT_EQ(out_.ech[0].public_name, "public.example");
  EXPECT_EQ(out_.ech[1].config_id, 9);
  EXPECT_EQ(out_.ech[1].public_name, "other.example");
  ldns_pkt* raw = nullptr;  // ldns takes our record for one, too
  EXPECT_EQ(ldns_wire2pkt(&raw, message.data(), message.size()), LDNS_STATUS_OK);
  ldns_pkt_free(raw);

  message = bare_response("a.example");
  put_record(message, kTypeSvcb, service("blocked.example", {}));
  EXPECT_EQ(parse(message), Outcome::found);
  EXPECT_EQ(names(), Names{"blocked.example."});
  EXPECT_EQ(out_.ech_count, 0U);
}

TEST_F(DnsResponse, IgnoresBrokenEch) {
  const Bytes whole = ech_list(7, "public.example");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes message = bare_response("a.example");
    put_record(message, kTypeHttps,
               service("b.example", Bytes(whole.begin(), whole.begin() + static_cast<long>(size))));
    EXPECT_EQ(parse(message), Outcome::found) << size;
    EXPECT_EQ(out_.ech_count, 0U) << size;
  }
}

TEST_F(DnsResponse, TellsWhatAnAnswerInItsPlaceNeeds) {
  Bytes message = test::dns_query("a.example", {.type = 28,
                                                .flags = 0x8180,
                                                .opt = true,
                                                .dnssec_ok = true,
                                                .options = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}});
  EXPECT_EQ(parse(message), Outcome::no_name);
  EXPECT_TRUE(out_.question.has_opt);
  EXPECT_TRUE(out_.question.dnssec_ok);
  EXPECT_EQ(out_.question.udp_size, 1232);
  EXPECT_EQ(out_.question.type, 28);
  EXPECT_EQ(out_.question.client_cookie.size(), 8U);
}

TEST_F(DnsResponse, NamesEachDefect) {
  EXPECT_EQ(defect({}), Defect::short_header);
  Bytes bad = bare_response("a.example");
  bad[5] = 2;
  EXPECT_EQ(defect(bad), Defect::question_count);
  bad = bare_response("a.example");
  bad[12] = 0xc0;
  EXPECT_EQ(defect(bad), Defect::pointer);

  const auto alias = [](const Bytes& target) {
    Bytes message = bare_response("a.example");
    put_record(message, kTypeCname, target);
    return message;
  };
  const auto at = static_cast<std::uint8_t>(bare_response("a.example").size() + 12);
  EXPECT_EQ(defect(alias({0xc0, at})), Defect::pointer);  // to itself
  EXPECT_EQ(defect(alias({1, 'x', 0xc0, at})), Defect::pointer);
  EXPECT_EQ(defect(alias({0xff, 0xff})), Defect::pointer);
  EXPECT_EQ(defect(alias({0xc0, 2})), Defect::label_type);  // the header's flags
  EXPECT_EQ(defect(alias({0x41, 0})), Defect::label_type);
  EXPECT_EQ(defect(alias({})), Defect::cut_record);
  EXPECT_EQ(defect(alias({5, 'a'})), Defect::cut_record);
  EXPECT_EQ(defect(alias({0xc0})), Defect::cut_record);
  Bytes labels;
  for (int i = 0; i < 128; ++i) test::put(labels, Bytes{1, 'a'});
  labels.push_back(0);
  EXPECT_EQ(defect(alias(labels)), Defect::name_too_long);
  bad = test::dns_query("a.example", {.flags = 0x8180, .opt = true});
  bad[11] = 2;
  test::put(bad, Bytes(bad.end() - 11, bad.end()));
  EXPECT_EQ(defect(bad), Defect::duplicate_opt);
}

TEST_F(DnsResponse, TellsTheNamesBeforeAFault) {
  Bytes message = bare_response("a.example");
  put_record(message, kTypeCname, test::wire_name("blocked.example"));
  message[11] = 1;  // an additional record that is not there
  EXPECT_EQ(parse(message), Outcome::malformed);
  EXPECT_EQ(out_.defect, Defect::cut_record);
  EXPECT_EQ(names(), Names{"blocked.example."});
  // A name that goes on past its record's data, into the owner of the next one.
  message = bare_response("a.example");
  put_record(message, kTypeCname, {1, 'x'});
  put_record(message, kTypeCname, {0});
  EXPECT_EQ(parse(message), Outcome::malformed);
  EXPECT_EQ(out_.defect, Defect::cut_record);
  EXPECT_EQ(names(), Names{"x.a.example."});
}

TEST_F(DnsResponse, FollowsPointersAnywhere) {
  // Into the record behind, as glibc follows it.
  Bytes message = bare_response("a.example");
  const std::size_t behind = message.size() + 2 * 12 + 2;
  Bytes pointer;
  test::put16(pointer, static_cast<unsigned>(0xc000 | behind));
  put_record(message, kTypeCname, pointer);
  put_record(message, 16, test::wire_name("blocked.example"));
  ASSERT_EQ(parse(message), Outcome::found);
  EXPECT_EQ(names(), Names{"blocked.example."});
  // A question whose root label is a zero of the header, as dnsmasq repeats it.
  message = bare_response("blocked.example");
  message.insert(message.begin() + 12 + 16, 0xc0);
  message[12 + 17] = 4;
  EXPECT_EQ(parse(message), Outcome::no_name);
  ASSERT_EQ(out_.question.name_count, 1);
  EXPECT_EQ(text_of(out_.question.names[0]), "blocked.example.");
}

TEST_F(DnsResponse, FollowsSixteenPointersAndNoMore) {
  for (const int hops : {15, 16}) {
    // A TXT record's data holds pointers, each to the one before; the first, to QNAME.
    Bytes message = bare_response("a.example");
    Bytes pointers;
    std::size_t target = 12;
    const std::size_t base = message.size() + 12;
    for (int i = 0; i < hops; ++i) {
      test::put16(pointers, static_cast<unsigned>(0xc000 | target));
      target = base + pointers.size() - 2;
    }
    put_record(message, 16, pointers);
    Bytes last = {1, 'b'};
    test::put16(last, static_cast<unsigned>(0xc000 | target));
    put_record(message, kTypeCname, last);
    if (hops == 15) {
      EXPECT_EQ(parse(message), Outcome::found);
      EXPECT_EQ(names(), Names{"b.a.example."});
    } else {
      EXPECT_EQ(defect(message), Defect::pointer);
    }
  }
}

TEST_F(DnsResponse, SaysWhenThereAreMoreNamesThanFit) {
  Bytes message = bare_response("a.example");
  for (char c = 'b'; c < 'b' + static_cast<char>(kMaxChain); ++c) {
    put_record(message, kTypeCname, {1, static_cast<std::uint8_t>(c), 0xc0, 14});
  }
  EXPECT_EQ(parse(message), Outcome::found);
  EXPECT_EQ(out_.count, kMaxChain);
  EXPECT_FALSE(out_.overflow);
  put_record(message, kTypeCname, {1, 'z', 0xc0, 14});
  EXPECT_EQ(parse(message), Outcome::found);
  EXPECT_EQ(out_.count, kMaxChain);
  EXPECT_TRUE(out_.overflow);
}

TEST_F(DnsResponse, EveryCutIsMalformed) {
  const Bytes whole = response("a.example.", {{"a.example. 60 IN CNAME b.example."},
                                              {"b.example. 60 IN HTTPS 1 c.example. alpn=h2"}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(parse(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))),
              Outcome::malformed)
        << size;
  }
  // What stands before the cut is told.
  EXPECT_EQ(names(), (Names{"b.example."}));
  EXPECT_EQ(parse(whole), Outcome::found);
  EXPECT_EQ(names(), (Names{"b.example.", "c.example."}));
}

// What ldns reads as owners and targets is what is told, whatever the message.
TEST_F(DnsResponse, AgreesWithLdns) {
  const std::initializer_list<Line> lines[] = {
      {{"x.a.example. 60 IN CNAME y.b.example."}, {"y.b.example. 60 IN CNAME z.a.example."}},
      {{"x.a.example. 60 IN CNAME x.x.a.example."},
       {"x.x.a.example. 60 IN CNAME example."},
       {"example. 60 IN MX 5 mail.example."}},
      {{"x.a.example. 60 IN TXT \"x\""}},
  };
  for (const auto& one : lines) {
    const Bytes message = response("x.a.example.", one);
    (void)parse(message);
    ldns_pkt* raw = nullptr;
    ASSERT_EQ(ldns_wire2pkt(&raw, message.data(), message.size()), LDNS_STATUS_OK);
    const PacketPtr packet(raw);
    std::set<std::string> expected;
    const auto add = [&expected](const ldns_rdf* name) {
      const std::unique_ptr<char, decltype(&free)> text(ldns_rdf2str(name), &free);
      if (std::string_view(text.get()) != "x.a.example.") expected.insert(text.get());
    };
    const ldns_rr_list* answer = ldns_pkt_answer(packet.get());
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(answer); ++i) {
      const ldns_rr* rr = ldns_rr_list_rr(answer, i);
      add(ldns_rr_owner(rr));
      if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME) add(ldns_rr_rdf(rr, 0));
    }
    const Names got = names();
    EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), expected);
    EXPECT_EQ(got.size(), expected.size());
  }
}

}  // namespace
}  // namespace sluice::inspect::dns
