#include "dataplane/inspect/tls/dtls.h"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/builder.h"

namespace sluice::inspect::tls {
namespace {

using test::Bytes;

/// A DTLS ClientHello's body: TLS's, with the cookie behind the session.
Bytes hello_body(std::string_view name, const Bytes& cookie = {}) {
  const Bytes tls = test::client_hello(test::server_name({name}));
  Bytes body(tls.begin() + 9, tls.end());
  body[0] = 0xfe;
  body[1] = 0xfd;
  Bytes field = {static_cast<std::uint8_t>(cookie.size())};
  test::put(field, cookie);
  body.insert(body.begin() + 2 + 32 + 1, field.begin(), field.end());
  return body;
}

struct Part {
  std::uint16_t sequence = 0;
  std::size_t from = 0;
  std::size_t to = 0;  // 0: the end
  std::uint8_t minor = 0xfd;
  std::uint8_t type = 1;
};

Bytes record(const Bytes& body, const Part& part) {
  const std::size_t to = part.to == 0 ? body.size() : part.to;
  Bytes out = {22, 0xfe, part.minor, 0, 0, 0, 0, 0, 0, 0, 0};
  test::put16(out, static_cast<unsigned>(12 + to - part.from));
  out.push_back(part.type);
  out.push_back(0);
  test::put16(out, static_cast<unsigned>(body.size()));
  test::put16(out, part.sequence);
  out.push_back(0);
  test::put16(out, static_cast<unsigned>(part.from));
  out.push_back(0);
  test::put16(out, static_cast<unsigned>(to - part.from));
  out.insert(out.end(), body.begin() + static_cast<long>(part.from),
             body.begin() + static_cast<long>(to));
  return out;
}

Bytes join(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) test::put(out, part);
  return out;
}

class Dtls : public testing::Test {
 protected:
  Outcome parse(const Bytes& datagram) { return parse_dtls(datagram, assembly_, out_); }
  std::string name() const {
    return out_.hello.name_count == 1 ? std::string(out_.hello.names[0]) : "";
  }
  DtlsDefect defect(const Bytes& datagram) {
    EXPECT_EQ(parse(datagram), Outcome::malformed);
    return out_.defect;
  }

  flow::AssemblyStorage<2048> storage_;
  flow::Assembly assembly_{storage_};
  DtlsHello out_;
};

TEST_F(Dtls, FindsTheNameInOneDatagram) {
  const Bytes body = hello_body("blocked.example");
  for (const std::uint8_t minor : {0xff, 0xfd}) {
    assembly_.clear();
    const Bytes datagram = record(body, {.minor = minor});
    EXPECT_TRUE(may_be_dtls(datagram));
    EXPECT_EQ(parse(datagram), Outcome::found);
    EXPECT_EQ(name(), "blocked.example");
  }
}

TEST_F(Dtls, PutsFragmentsTogether) {
  const Bytes body = hello_body("blocked.example");
  const Bytes a = record(body, {.to = 20});
  const Bytes b = record(body, {.from = 20, .to = body.size() - 5});
  const Bytes c = record(body, {.from = body.size() - 8});  // overlaps
  EXPECT_EQ(parse(join({b, c, a})), Outcome::found);
  EXPECT_EQ(name(), "blocked.example");
  assembly_.clear();
  EXPECT_EQ(parse(c), Outcome::need_more);
  EXPECT_EQ(parse(a), Outcome::need_more);
  EXPECT_EQ(parse(b), Outcome::found);
  EXPECT_EQ(name(), "blocked.example");
  assembly_.clear();
  for (std::size_t at = 0; at < body.size(); ++at) {
    const Outcome outcome = parse(record(body, {.from = at, .to = at + 1}));
    EXPECT_TRUE(outcome == Outcome::need_more || outcome == Outcome::found);
  }
  EXPECT_EQ(name(), "blocked.example");
}

TEST_F(Dtls, StartsAnewForAnotherClientHello) {
  const Bytes first = hello_body("a.example");
  const Bytes second = hello_body("blocked.example", Bytes(20, 9));
  EXPECT_EQ(parse(record(first, {})), Outcome::found);
  EXPECT_EQ(parse(record(second, {.sequence = 1, .to = 60})), Outcome::need_more);
  EXPECT_EQ(parse(record(second, {.sequence = 1, .from = 60})), Outcome::found);
  EXPECT_EQ(name(), "blocked.example");
  // The same number and length, other octets.
  EXPECT_EQ(parse(record(hello_body("another.example", Bytes(20, 9)), {.sequence = 1})),
            Outcome::found);
  EXPECT_EQ(name(), "another.example");
}

TEST_F(Dtls, SkipsOtherRecords) {
  const Bytes alert = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0};
  const Bytes body = hello_body("blocked.example");
  EXPECT_EQ(parse(join({record(body, {.to = 20}), alert, record(body, {.from = 20})})),
            Outcome::found);
}

TEST_F(Dtls, NamesEachDefect) {
  const Bytes body = hello_body("blocked.example");
  const Bytes whole = record(body, {});
  EXPECT_EQ(defect({}), DtlsDefect::not_dtls);
  EXPECT_EQ(defect(Bytes(100)), DtlsDefect::not_dtls);
  Bytes bad = whole;
  bad[4] = 1;  // epoch 1: encrypted
  EXPECT_EQ(defect(bad), DtlsDefect::not_dtls);
  EXPECT_EQ(defect(record(body, {.type = 2})), DtlsDefect::not_dtls);
  EXPECT_EQ(defect(join({whole, record(body, {.type = 2})})), DtlsDefect::not_client_hello);
  bad = whole;
  bad[12] = static_cast<std::uint8_t>(bad[12] + 1);
  EXPECT_EQ(defect(bad), DtlsDefect::cut_record);
  assembly_.clear();
  bad = whole;
  bad[11] = bad[12] = 0;  // an empty record, and then nonsense
  bad.resize(25);
  EXPECT_EQ(defect(bad), DtlsDefect::not_client_hello);
  bad = whole;
  bad[24] = static_cast<std::uint8_t>(bad[24] + 1);
  EXPECT_EQ(defect(bad), DtlsDefect::fragment);
  bad = whole;
  bad[21] = 1;  // an offset past the message
  EXPECT_EQ(defect(bad), DtlsDefect::fragment);
  bad = whole;
  bad[15] = 0x40;  // longer than is held
  EXPECT_EQ(defect(bad), DtlsDefect::message_too_long);
  bad = whole;
  bad[13 + 12 + 34] = 0xff;  // the body's session id, longer than the message
  EXPECT_EQ(defect(bad), DtlsDefect::client_hello);
  EXPECT_NE(out_.hello.defect, Defect::none);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    assembly_.clear();
    EXPECT_EQ(parse(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))),
              Outcome::malformed);
  }
}

}  // namespace
}  // namespace sluice::inspect::tls
