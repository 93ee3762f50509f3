#include <gtest/gtest.h>

#include "dataplane/inspect/dns/query.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::inspect::dns {
namespace {

using test::Bytes;

TEST(DnsQuery, FindsTheNameAndWhatToEcho) {
  const Bytes cookie = {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
  const Bytes message = test::dns_query(
      "WwW.Example.com", {.type = 28, .opt = true, .dnssec_ok = true, .options = cookie});
  Query query;
  ASSERT_EQ(parse_query(message, query), Outcome::found);
  EXPECT_EQ(Bytes(query.name.begin(), query.name.end()), test::wire_name("WwW.Example.com"));
  EXPECT_EQ(query.type, 28);
  EXPECT_EQ(query.question_end, 12 + 17 + 4);
  EXPECT_TRUE(query.has_opt);
  EXPECT_TRUE(query.dnssec_ok);
  EXPECT_EQ(query.udp_size, 1232);
  EXPECT_EQ(Bytes(query.client_cookie.begin(), query.client_cookie.end()),
            (Bytes{1, 2, 3, 4, 5, 6, 7, 8}));
}

// RFC 9619 forbids a second question, and servers differ in which one they read.
TEST(DnsQuery, FindsTheNameOfEveryQuestion) {
  Bytes message = test::dns_query("a.example", {.type = 28});
  const auto add = [&message](const Bytes& name, std::uint16_t query_class = 1) {
    ++message[5];
    test::put(message, name);
    test::put16(message, 16);
    test::put16(message, query_class);
  };
  add(test::wire_name(""));
  add(test::wire_name("chaos.example"), 3);
  add(test::wire_name("blocked.example"));
  Query query;
  ASSERT_EQ(parse_query(message, query), Outcome::found);
  EXPECT_EQ(query.question_count, 4);
  EXPECT_EQ(query.question_end, message.size());
  EXPECT_EQ(query.type, 28);
  EXPECT_EQ(query.name.data(), query.names[0].data());
  ASSERT_EQ(query.name_count, 2);
  EXPECT_EQ(Bytes(query.names[1].begin(), query.names[1].end()),
            test::wire_name("blocked.example"));

  message = test::dns_query("a.example");
  add({0xc0, 12});
  EXPECT_EQ(parse_query(message, query), Outcome::found);  // the first one
  EXPECT_EQ(query.defect, Defect::pointer);
  EXPECT_EQ(query.question_count, 1);
  message = test::dns_query("");
  add(test::wire_name("blocked.example"));
  EXPECT_EQ(parse_query(message, query), Outcome::found);
  EXPECT_EQ(query.name.size(), 1U);
  EXPECT_EQ(query.name_count, 1);
}

TEST(DnsQuery, FollowsPointersAsServersDo) {
  std::array<std::uint8_t, kQuestionScratchOctets> scratch;
  Query query;
  const auto name_of = [&](const Bytes& question) {
    Bytes message = test::dns_query("");
    message.resize(kHeaderOctets);
    test::put(message, question);
    if (parse_query(message, query, scratch) != Outcome::found) return Bytes{};
    EXPECT_EQ(query.name.size(), 1U);  // nothing that an answer could point into
    EXPECT_LE(query.question_end, message.size());
    return Bytes(query.names[0].begin(), query.names[0].end());
  };
  const Bytes expected = test::wire_name("blocked.example");
  // BIND and dnsmasq answer a name whose root label is a zero of the header.
  Bytes question(expected.begin(), expected.end() - 1);
  test::put(question, Bytes{0xc0, 4, 0, 1, 0, 1});
  EXPECT_EQ(name_of(question), expected);
  EXPECT_EQ(query.question_end, kHeaderOctets + question.size());
  // dnsmasq follows a pointer forward, too.
  question = {0xc0, 18, 0, 1, 0, 1};
  test::put(question, expected);
  EXPECT_EQ(name_of(question), expected);
  EXPECT_EQ(query.question_end, kHeaderOctets + 6);
  for (const Bytes& loop : {Bytes{0xc0, 12, 0, 1, 0, 1}, Bytes{1, 'a', 0xc0, 12, 0, 1, 0, 1},
                            Bytes{0xff, 0xff, 0, 1, 0, 1}}) {
    EXPECT_EQ(name_of(loop), Bytes{});
    EXPECT_EQ(query.defect, Defect::pointer);
  }
}

TEST(DnsQuery, AsksForNoNameHere) {
  Query query;
  const auto outcome = [&](const Bytes& message) { return parse_query(message, query); };
  EXPECT_EQ(outcome(test::dns_query("")), Outcome::no_name);
  EXPECT_EQ(outcome(test::dns_query("a.example", {.flags = 0x8180})), Outcome::no_name);
  EXPECT_EQ(outcome(test::dns_query("a.example", {.flags = 0x2800})), Outcome::no_name);  // UPDATE
  EXPECT_EQ(outcome(test::dns_query("a.example", {.klass = 3})), Outcome::no_name);       // CH
  EXPECT_EQ(outcome(test::dns_query("a.example", {.klass = 255})), Outcome::found);
  for (const std::uint16_t type : {1, 5, 12, 16, 28, 64, 65, 255, 4711}) {
    EXPECT_EQ(outcome(test::dns_query("a.example", {.type = type})), Outcome::found) << type;
  }
}

TEST(DnsQuery, NamesEachDefect) {
  Query query;
  const auto defect = [&](const Bytes& message) {
    const Outcome outcome = parse_query(message, query);
    EXPECT_EQ(outcome, query.name_count > 0 ? Outcome::found : Outcome::malformed);
    return query.defect;
  };
  EXPECT_EQ(defect({}), Defect::short_header);
  EXPECT_EQ(defect(Bytes(11)), Defect::short_header);
  Bytes bad = test::dns_query("a.example");
  bad[5] = 2;  // a question that is not there
  EXPECT_EQ(defect(bad), Defect::cut_question);
  bad[5] = 0;
  EXPECT_EQ(defect(bad), Defect::question_count);
  bad = test::dns_query("a.example");
  bad[12] = 0xc0;  // to itself
  EXPECT_EQ(defect(bad), Defect::pointer);
  bad = test::dns_query("a.example");
  bad[12] = 0x41;
  EXPECT_EQ(defect(bad), Defect::label_type);
  bad = test::dns_query("a.example");
  bad[12] = 60;  // past the message
  EXPECT_EQ(defect(bad), Defect::cut_question);

  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  EXPECT_EQ(parse_query(test::dns_query(longest + "a"), query), Outcome::found);  // 255 octets
  EXPECT_EQ(defect(test::dns_query(longest + "ab")), Defect::name_too_long);

  bad = test::dns_query("a.example", {.opt = true});
  bad[bad.size() - 1] = 9;  // RDLENGTH past the message
  EXPECT_EQ(defect(bad), Defect::cut_record);
  bad = test::dns_query("a.example");
  bad[11] = 1;  // an additional record that is not there
  EXPECT_EQ(defect(bad), Defect::cut_record);
  bad[6] = 0xff;  // 65,280 answers that are not there
  EXPECT_EQ(defect(bad), Defect::cut_record);
  bad = test::dns_query("a.example", {.opt = true});
  bad[11] = 2;
  test::put(bad, Bytes(bad.end() - 11, bad.end()));
  EXPECT_EQ(defect(bad), Defect::duplicate_opt);
}

TEST(DnsQuery, EveryCutIsADefectAndTrailingOctetsAreNot) {
  const Bytes whole = test::dns_query("a.example", {.opt = true});
  Query query;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_EQ(parse_query(cut, query), size < 27 ? Outcome::malformed : Outcome::found) << size;
    EXPECT_NE(query.defect, Defect::none) << size;
  }
  Bytes more = whole;
  more.resize(more.size() + 7);
  EXPECT_EQ(parse_query(more, query), Outcome::found);
}

}  // namespace
}  // namespace sluice::inspect::dns
