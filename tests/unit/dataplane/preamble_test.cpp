#include "dataplane/inspect/proxy/preamble.h"

#include <gtest/gtest.h>

namespace sluice::inspect::proxy {
namespace {

using namespace std::string_view_literals;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

struct Case {
  Kind kind;
  std::string_view stream;  // without what follows
  std::string_view name;
};

TEST(Preamble, IsSkippedAndItsNameFound) {
  const std::string v1 = "PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n";
  const std::string v2 = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"sv) + std::string(12, 'a');
  const Case cases[] = {
      {Kind::proxy_v1, v1, ""},
      {Kind::proxy_v1, "PROXY UNKNOWN\r\n", ""},
      {Kind::proxy_v2, v2, ""},
      {Kind::proxy_v2, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"sv, ""},
      {Kind::socks4, "\4\1\0\x50\xc0\0\2\1joe\0"sv, ""},
      {Kind::socks4, "\4\1\1\xbb\0\0\0\1\0blocked.example\0"sv, "blocked.example"},
      {Kind::socks4,
       "\4\1\1\xbb\0\0\0\xff"
       "joe\0a\0"sv,
       "a"},
      {Kind::socks5,
       "\5\1\0\5\1\0\3\xf"
       "blocked.example\1\xbb"sv,
       "blocked.example"},
      {Kind::socks5, "\5\2\0\2\5\1\0\3\1a\1\xbb"sv, "a"},
      {Kind::socks5, "\5\1\2\1\3joe\2pw\5\1\0\3\1a\1\xbb"sv, "a"},
      {Kind::socks5, "\5\1\0\5\1\0\1\xc0\0\2\1\1\xbb"sv, ""},
      {Kind::socks5, "\5\1\0\5\1\0\4aaaaaaaaaaaaaaaa\1\xbb"sv, ""},
  };
  for (const Case& one : cases) {
    Preamble out;
    const std::string stream = std::string(one.stream) + "\x16\x03\x01";
    EXPECT_EQ(parse_preamble(bytes_of(stream), out),
              one.name.empty() ? Outcome::no_name : Outcome::found);
    EXPECT_EQ(out.kind, one.kind);
    EXPECT_EQ(out.skip, one.stream.size());
    EXPECT_EQ(out.name, one.name);
    for (std::size_t size = 0; size < one.stream.size(); ++size) {
      EXPECT_EQ(parse_preamble(bytes_of(one.stream.substr(0, size)), out), Outcome::need_more)
          << size;
      EXPECT_GT(out.wanted, size);
      EXPECT_LE(out.wanted, std::max<std::size_t>(one.stream.size(), 16));
    }
  }
}

TEST(Preamble, LeavesOtherStreamsAlone) {
  for (const std::string_view stream :
       {"\x16\x03\x01"sv, "GET / HTTP/1.1\r\n"sv, "POST "sv, "PROPFIND / "sv, "PRI * HTTP/2.0"sv,
        "\r\nGET / "sv, "\4\3"sv, "\5\0"sv, "\5\1\0\6"sv, "\5\1\0\1\1"sv, "SSH-2.0"sv}) {
    Preamble out;
    EXPECT_EQ(parse_preamble(bytes_of(stream), out), Outcome::no_name) << stream;
    EXPECT_EQ(out.kind, Kind::none);
    EXPECT_EQ(out.skip, 0U);
  }
}

TEST(Preamble, NamesEachDefect) {
  const auto defect = [](std::string_view stream) {
    Preamble out;
    EXPECT_EQ(parse_preamble(bytes_of(stream), out), Outcome::malformed);
    EXPECT_NE(out.kind, Kind::none);
    return out.defect;
  };
  const std::string long_text(300, 'a');
  EXPECT_EQ(defect("PROXY TCP4 " + long_text), Defect::proxy_line);
  EXPECT_EQ(defect("\r\n\r\n\0\r\nQUIT\n\x11\0\0\0"sv), Defect::proxy_header);
  EXPECT_EQ(defect("\r\n\r\n\0\r\nQUIT\n\x23\0\0\0"sv), Defect::proxy_header);
  EXPECT_EQ(defect("\r\n\r\n\0\r\nQUIT\n\x21\0\xff\xff"sv), Defect::proxy_header);
  EXPECT_EQ(defect(std::string("\4\1\0\x50\0\0\0\1"sv) + long_text), Defect::socks_text);
  EXPECT_EQ(defect("\4\1\0\x50\0\0\0\1\0\0"sv), Defect::socks_text);
  EXPECT_EQ(defect("\5\1\0\5\1\0\3\0\1\xbb"sv), Defect::socks_text);
  EXPECT_EQ(defect("\5\1\0\5\4\0\3\1a"sv), Defect::socks_request);
  EXPECT_EQ(defect("\5\1\0\5\1\1\3\1a"sv), Defect::socks_request);
  EXPECT_EQ(defect("\5\1\0\5\1\0\2\1a"sv), Defect::socks_request);
}

}  // namespace
}  // namespace sluice::inspect::proxy
