#include "dataplane/inspect/quic/gquic.h"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/quic/initial_builder.h"

namespace sluice::inspect::quic {
namespace {

using test::Bytes;
using test::chlo;
using test::joined;
using test::put_little;

Bytes public_header(std::string_view version, std::uint8_t number_bits = 0) {
  Bytes out = {static_cast<std::uint8_t>(0x09 | number_bits << 4), 1, 2, 3, 4, 5, 6, 7, 8};
  test::put(out, version);
  constexpr std::uint8_t kOctets[] = {1, 2, 4, 6};
  out.resize(out.size() + kOctets[number_bits] + 12, 0x33);
  return out;
}

TEST(Gquic, FindsTheNameInEveryForm) {
  const Bytes hello = chlo("www.example.com");
  Bytes little = {0xa0, 1};
  put_little(little, hello.size(), 2);
  Bytes big = {0xa0, 1};
  test::put16(big, static_cast<unsigned>(hello.size()));
  Bytes long_header = {0xc3};
  test::put(long_header, "Q046");
  test::put(long_header, Bytes{0x50, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1});
  test::put(long_header, Bytes(12, 0x33));
  for (const Bytes& datagram : {
           joined({public_header("Q025"), {1}, little, hello}),
           joined({public_header("Q037"), little, hello}),
           joined({public_header("Q039"), big, hello, Bytes(30)}),
           joined({public_header("Q043"), {0x80, 1}, hello}),
           joined({public_header("Q043", 1), {7, 0, 0, 0x80, 1}, hello}),
           joined({public_header("Q043", 3), {0x83, 0, 0, 0, 1}, hello}),
           joined({public_header("Q043"), {0x84, 1, 0, 0}, hello}),
           joined({long_header, big, hello}),
       }) {
    std::string_view name;
    EXPECT_TRUE(may_be_gquic(datagram));
    EXPECT_EQ(parse_gquic(datagram, name), Outcome::found);
    EXPECT_EQ(name, "www.example.com");
  }
}

TEST(Gquic, LeavesOthers) {
  const Bytes hello = chlo("www.example.com");
  std::string_view name;
  const auto outcome = [&](const Bytes& datagram) { return parse_gquic(datagram, name); };
  EXPECT_EQ(outcome({}), Outcome::malformed);
  EXPECT_EQ(outcome(joined({public_header("Q050"), {0x80, 1}, hello})), Outcome::malformed);
  EXPECT_EQ(outcome(joined({public_header("T043"), {0x80, 1}, hello})), Outcome::malformed);
  EXPECT_EQ(outcome(joined({public_header("Q043"), {0x80, 3}, hello})), Outcome::no_name);
  EXPECT_EQ(outcome(joined({public_header("Q043"), {0x84, 1, 0, 9}, hello})), Outcome::no_name);
  EXPECT_EQ(outcome(joined({public_header("Q043"), {0x40, 1}, hello})), Outcome::no_name);
  EXPECT_EQ(outcome(joined({public_header("Q043"), {0x80, 1}, chlo("")})), Outcome::no_name);
  // Cut anywhere before the name's end, there is none.
  const Bytes whole = joined({public_header("Q043"), {0x80, 1}, hello});
  for (std::size_t length = 0; length + 4 < whole.size(); ++length) {
    name = {};
    const auto copy = std::make_unique<std::uint8_t[]>(length);
    std::copy_n(whole.begin(), length, copy.get());
    EXPECT_NE(parse_gquic({copy.get(), length}, name), Outcome::found) << length;
    EXPECT_TRUE(name.empty());
  }
}

}  // namespace
}  // namespace sluice::inspect::quic
