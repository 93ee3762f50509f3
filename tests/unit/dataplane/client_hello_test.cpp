#include "dataplane/inspect/tls/client_hello.h"

#include <array>
#include <gtest/gtest.h>
#include <random>

#include "tests/unit/dataplane/builder.h"

namespace sluice::inspect::tls {
namespace {

using test::Bytes;

// One scratch for all: what it holds is only looked at until the next call.
Outcome parse(std::span<const std::uint8_t> stream, ClientHello& hello) {
  static std::array<std::uint8_t, 20480> scratch;
  return parse_client_hello(stream, scratch, hello);
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) test::put(out, part);
  return out;
}

TEST(ClientHello, FindsTheNameWhereverItStands) {
  ClientHello hello;
  for (const Bytes& extensions : {
           test::server_name({"www.example.com"}),
           join({test::extension(0x0a0a, {}), test::extension(43, {2, 3, 4}),
                 test::server_name({"www.example.com"})}),
           join({test::server_name({"www.example.com"}), test::extension(51, Bytes(1200))}),
       }) {
    for (const std::uint8_t minor : {0, 1, 3, 4, 255}) {
      const Bytes stream = test::client_hello(extensions, minor);
      ASSERT_EQ(parse(stream, hello), Outcome::found);
      ASSERT_EQ(hello.name_count, 1U);
      EXPECT_EQ(hello.names[0], "www.example.com");
    }
  }
}

TEST(ClientHello, FindsTheNameBehindWhatServersOverlook) {
  ClientHello hello;
  const Bytes good = test::client_hello(test::server_name({"www.example.com"}));
  for (const std::uint8_t major : {0, 2, 4, 0x7f, 0xfe, 0xff}) {  // of legacy_version
    Bytes stream = good;
    stream[9] = major;
    EXPECT_EQ(parse(stream, hello), Outcome::found) << int{major};
  }
  for (const std::uint8_t major : {0, 2, 4, 15}) {  // of the record
    Bytes stream = good;
    stream[1] = major;
    EXPECT_TRUE(may_be_tls(stream));
    EXPECT_EQ(parse(stream, hello), Outcome::found) << int{major};
  }
  const auto octets = [](std::size_t of, std::size_t count) {
    return std::array{static_cast<std::uint8_t>(of >> 8), static_cast<std::uint8_t>(of),
                      static_cast<std::uint8_t>(count)};
  };
  for (const std::size_t session : {33, 255}) {
    Bytes stream = good;
    ASSERT_EQ(stream[43], 0);
    const auto [high, low, count] = octets(stream.size() - 5 + session, session);
    stream.insert(stream.begin() + 44, session, 0x5e);
    stream[3] = high;
    stream[4] = low;
    const auto [message_high, message_low, unused] = octets(stream.size() - 9, 0);
    stream[7] = message_high;
    stream[8] = message_low;
    stream[43] = count;
    EXPECT_EQ(parse(stream, hello), Outcome::found) << session;
  }
  for (const char* name : {" www.example.com", "www.example.com \t", "\r\nwww.example.com\v\f"}) {
    const Bytes stream = test::client_hello(test::server_name({name}));
    ASSERT_EQ(parse(stream, hello), Outcome::found);
    EXPECT_EQ(hello.names[0], "www.example.com");
  }
  const Bytes blanks = test::client_hello(test::server_name({"  "}));
  ASSERT_EQ(parse(blanks, hello), Outcome::found);
  EXPECT_EQ(hello.names[0], "");
}

TEST(ClientHello, TellsEveryName) {
  ClientHello hello;
  Bytes stream = test::client_hello(test::server_name({"a.example", "b.example"}));
  ASSERT_EQ(parse(stream, hello), Outcome::found);
  ASSERT_EQ(hello.name_count, 2U);
  EXPECT_EQ(hello.names[1], "b.example");
  // Two extensions count too, and a name type that is not host_name is skipped.
  Bytes other = test::server_name({"c.example"});
  other[6] = 9;
  stream = test::client_hello(join({other, test::server_name({"d.example"})}));
  ASSERT_EQ(parse(stream, hello), Outcome::found);
  ASSERT_EQ(hello.name_count, 1U);
  EXPECT_EQ(hello.names[0], "d.example");
  stream = test::client_hello(test::server_name({"a", "b", "c", "d", "e"}));
  EXPECT_EQ(parse(stream, hello), Outcome::found);  // the four that were read
  EXPECT_EQ(hello.defect, Defect::too_many_names);
}

TEST(ClientHello, WithoutAName) {
  ClientHello hello;
  EXPECT_EQ(parse(test::client_hello({}), hello), Outcome::no_name);
  EXPECT_EQ(parse(test::client_hello(test::extension(43, {2, 3, 4})), hello), Outcome::no_name);
  EXPECT_EQ(parse(test::client_hello(test::extension(0, {})), hello), Outcome::no_name);
}

TEST(ClientHello, ACutOneNeedsMoreUntilTheNameIsWhole) {
  const Bytes whole = test::client_hello(
      join({test::extension(51, Bytes(300)), test::server_name({"www.example.com"}),
            test::extension(43, Bytes(40))}));
  const std::string text(whole.begin(), whole.end());
  const std::size_t name_end = text.find("www.example.com") + 15;
  ClientHello hello;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_EQ(parse(cut, hello), size < name_end ? Outcome::need_more : Outcome::found) << size;
  }
}

TEST(ClientHello, NamesEachDefect) {
  ClientHello hello;
  const auto defect = [&](const Bytes& stream) {
    EXPECT_EQ(parse(stream, hello), Outcome::malformed);
    return hello.defect;
  };
  const Bytes good = test::client_hello(test::server_name({"www.example.com"}));
  const auto spoiled = [&](std::size_t at, std::uint8_t value) {
    Bytes bad = good;
    bad[at] = value;
    return bad;
  };
  EXPECT_EQ(defect(spoiled(5, 2)), Defect::not_client_hello);
  Bytes bad = good;
  bad[3] = 0xff;
  EXPECT_EQ(defect(bad), Defect::record_length);
  EXPECT_EQ(defect(spoiled(8, 33)), Defect::random);
  EXPECT_EQ(defect(spoiled(43, 0xff)), Defect::session_id);
  EXPECT_EQ(defect(spoiled(45, 3)), Defect::cipher_suites);
  EXPECT_EQ(defect(spoiled(45, 0)), Defect::cipher_suites);
  EXPECT_EQ(defect(spoiled(48, 0)), Defect::compression);
  EXPECT_EQ(defect(spoiled(50, 0xff)), Defect::extensions);
  EXPECT_EQ(defect(spoiled(59, 200)), Defect::server_name);
}

// One record after another holds `size` octets of the message each.
Bytes in_records(const Bytes& stream, std::size_t size, const Bytes& between = {}) {
  Bytes out;
  for (std::size_t at = 5; at < stream.size(); at += size) {
    const std::size_t octets = std::min(size, stream.size() - at);
    test::put(out, Bytes{22, 3, 1});
    test::put16(out, static_cast<unsigned>(octets));
    out.insert(out.end(), stream.begin() + static_cast<long>(at),
               stream.begin() + static_cast<long>(at + octets));
    test::put(out, between);
  }
  return out;
}

TEST(ClientHello, IsReadOverRecordsOfAnySize) {
  const Bytes whole = test::client_hello(
      join({test::extension(51, Bytes(300)), test::server_name({"www.example.com"})}));
  ClientHello hello;
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const Bytes stream = in_records(whole, size);
    ASSERT_EQ(parse(stream, hello), Outcome::found) << size;
    EXPECT_EQ(hello.names[0], "www.example.com");
    EXPECT_TRUE(hello.complete);
    EXPECT_EQ(hello.consumed, stream.size());
    // Never asks for fewer octets than it needs to tell more.
    const std::size_t cut = stream.size() - 1;
    const Outcome outcome = parse(std::span(stream).first(cut), hello);
    EXPECT_FALSE(hello.complete);
    EXPECT_TRUE(outcome == Outcome::found || outcome == Outcome::need_more);
    EXPECT_EQ(hello.wanted, stream.size());
  }
}

TEST(ClientHello, SkipsOtherRecordsBeforeItsEnd) {
  const Bytes whole = test::client_hello(test::server_name({"www.example.com"}));
  ClientHello hello;
  Bytes stream = {21, 3, 1, 0, 2, 1, 0, 20, 3, 3, 0, 1, 1, 22, 3, 1, 0, 0};
  test::put(stream, whole);
  EXPECT_EQ(parse(stream, hello), Outcome::found);
  const Bytes empty = {22, 3, 1, 0, 0};
  EXPECT_EQ(parse(in_records(whole, 8, empty), hello), Outcome::found);
  EXPECT_EQ(parse(in_records(whole, 1, join({empty, empty})), hello), Outcome::found);
  // OpenSSL takes as many on end.
  Bytes many;
  for (int i = 0; i < 32; ++i) test::put(many, empty);
  EXPECT_EQ(parse(join({many, whole}), hello), Outcome::found);
  EXPECT_EQ(parse(join({many, empty, whole}), hello), Outcome::malformed);
  EXPECT_EQ(hello.defect, Defect::too_many_records);
}

TEST(ClientHello, TellsEchFromNone) {
  ClientHello hello;
  Bytes ech = {0, 0, 1, 0, 1, 42, 0, 0, 0, 0};
  ASSERT_EQ(parse(test::client_hello(
                      join({test::extension(0xfe0d, ech), test::server_name({"public.example"})})),
                  hello),
            Outcome::found);
  EXPECT_TRUE(hello.ech.offered);
  EXPECT_EQ(hello.ech.config_id, 42);
  ech[0] = 1;  // the inner ClientHello, which is never on the wire
  ASSERT_EQ(parse(test::client_hello(test::extension(0xfe0d, ech)), hello), Outcome::no_name);
  EXPECT_FALSE(hello.ech.offered);
}

TEST(ClientHello, RandomDamageNeverReadsPastTheEnd) {
  std::mt19937 random(1);  // NOLINT: a fixed seed repeats a failure
  const Bytes good = test::client_hello(
      join({test::extension(51, Bytes(64)), test::server_name({"www.example.com"})}));
  ClientHello hello;
  int found = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes bad = good;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      bad[random() % bad.size()] = static_cast<std::uint8_t>(random());
    }
    bad.resize(1 + random() % bad.size());
    bad.shrink_to_fit();
    if (parse(bad, hello) != Outcome::found) continue;
    ++found;
    for (std::size_t i = 0; i < hello.name_count; ++i) {
      const auto* const at = reinterpret_cast<const std::uint8_t*>(hello.names[i].data());
      EXPECT_GE(at, bad.data());
      EXPECT_LE(at + hello.names[i].size(), bad.data() + bad.size());
    }
  }
  EXPECT_GT(found, 0);
}

TEST(ClientHello, TlsIsGuessedByItsFirstOctets) {
  EXPECT_TRUE(may_be_tls(Bytes{22}));
  EXPECT_TRUE(may_be_tls(Bytes{22, 3}));
  EXPECT_FALSE(may_be_tls(Bytes{}));
  EXPECT_TRUE(may_be_tls(Bytes{22, 2}));
  EXPECT_TRUE(may_be_tls(Bytes{22, 2, 0, 1, 0, 1}));
  EXPECT_FALSE(may_be_tls(Bytes{22, 2, 0, 1, 0, 2}));
  EXPECT_FALSE(may_be_tls(Bytes{22, 16}));
  EXPECT_FALSE(may_be_tls(Bytes{'G', 'E', 'T'}));
}

}  // namespace
}  // namespace sluice::inspect::tls
