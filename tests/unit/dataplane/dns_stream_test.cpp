#include <gtest/gtest.h>

#include "dataplane/inspect/dns/query.h"
#include "dataplane/inspect/dns/stream.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice::inspect::dns {
namespace {

using test::Bytes;

TEST(DnsStream, CutsItIntoMessages) {
  Bytes stream;
  for (const char* name : {"a.example", "blocked.example"}) {
    const Bytes message = test::dns_query(name);
    test::put16(stream, static_cast<unsigned>(message.size()));
    test::put(stream, message);
  }
  const std::size_t first = kLengthOctets + test::dns_query("a.example").size();
  std::span<const std::uint8_t> message;
  for (std::size_t size = 0; size < first; ++size) {
    const Bytes cut(stream.begin(), stream.begin() + static_cast<long>(size));
    EXPECT_EQ(next_message(cut, message), Outcome::need_more) << size;
  }
  std::span<const std::uint8_t> rest(stream);
  Query query;
  ASSERT_EQ(next_message(rest, message), Outcome::found);
  ASSERT_EQ(parse_query(message, query), Outcome::found);
  EXPECT_EQ(Bytes(query.name.begin(), query.name.end()), test::wire_name("a.example"));
  rest = rest.subspan(kLengthOctets + message.size());
  ASSERT_EQ(next_message(rest, message), Outcome::found);
  ASSERT_EQ(parse_query(message, query), Outcome::found);
  EXPECT_EQ(Bytes(query.name.begin(), query.name.end()), test::wire_name("blocked.example"));
  EXPECT_EQ(kLengthOctets + message.size(), rest.size());
}

TEST(DnsStream, TellsWhatIsShorterThanAHeaderToo) {
  std::span<const std::uint8_t> message;
  EXPECT_EQ(next_message(Bytes{0, 0}, message), Outcome::found);
  EXPECT_TRUE(message.empty());
  EXPECT_EQ(next_message(Bytes{0, 2, 7, 7, 0}, message), Outcome::found);
  EXPECT_EQ(message.size(), 2U);
  EXPECT_EQ(next_message(Bytes{0, 11}, message), Outcome::need_more);
  EXPECT_EQ(next_message(Bytes{0, 12}, message), Outcome::need_more);
  EXPECT_EQ(next_message(Bytes{0xff, 0xff}, message), Outcome::need_more);
}

}  // namespace
}  // namespace sluice::inspect::dns
