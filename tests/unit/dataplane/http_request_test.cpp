#include <gtest/gtest.h>

#include "dataplane/inspect/http/request.h"

namespace sluice::inspect::http {
namespace {

using std::string_view;
using Names = std::vector<string_view>;

std::span<const std::uint8_t> bytes_of(string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Names names_of(const Request& request) {
  return {request.names.begin(), request.names.begin() + static_cast<long>(request.name_count)};
}

Names names(string_view text) {
  Request request;
  (void)parse_request(bytes_of(text), request);
  return names_of(request);
}

struct Case {
  const char* what;
  string_view head;
  Names expected;
};

TEST(HttpRequest, FindsTheHostHoweverItIsWritten) {
  const Case cases[] = {
      {"plain", "GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n", {"blocked.example"}},
      {"case, no blank", "GET / HTTP/1.1\r\nhOsT:blocked.example\r\n\r\n", {"blocked.example"}},
      {"tabs", "GET / HTTP/1.1\r\nHost:\t\tblocked.example \t\r\n\r\n", {"blocked.example"}},
      {"before the colon", "GET / HTTP/1.1\r\nHost : blocked.example\r\n\r\n", {"blocked.example"}},
      {"bare LF", "GET / HTTP/1.1\nHost: blocked.example\n\n", {"blocked.example"}},
      {"empty lines", "\r\n\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n", {"b.example"}},
      {"short method", "X / HTTP/1.1\r\nHost: b.example\r\n\r\n", {"b.example"}},
      {"long method", "ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1\r\nHost: b\r\n\r\n", {"b"}},
      {"HTTP/2.0", "FOO / HTTP/2.0\r\nHost: b\r\n\r\n", {"b"}},
      {"user", "GET http://a@b/ HTTP/1.1\r\nHost: c@d:1\r\n\r\n", {"b", "d"}},
      {"two colons", "GET / HTTP/1.1\r\nHost: b.example:80:x\r\n\r\n", {"b.example"}},
      {"method", "FROBNICATE / HTTP/1.1\r\nHost: b.example\r\n\r\n", {"b.example"}},
      {"folded", "GET / HTTP/1.1\r\nHost:\r\n blocked.example\r\n\r\n", {"blocked.example"}},
      {"folded twice", "GET / HTTP/1.1\r\nHost:\n\t\n  b.example\n \n\n", {"b.example"}},
      {"port", "GET / HTTP/1.1\r\nHost: b.example:8080\r\n\r\n", {"b.example"}},
      {"dot", "GET / HTTP/1.1\r\nHost: b.example.:80\r\n\r\n", {"b.example."}},
      {"address", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", {"[2001:db8::1]"}},
      {"bare address", "GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n", {"2001:db8::1"}},
      {"two", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {"a", "b"}},
      {"absolute", "GET http://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n", {"b.example", "a"}},
      {"absolute, port", "GET HTTPS://b.example:1 HTTP/1.1\r\n\r\n", {"b.example"}},
      {"absolute, query", "GET ws://b.example?q HTTP/1.1\r\n\r\n", {"b.example"}},
      {"connect", "CONNECT b.example:443 HTTP/1.1\r\nHost: a\r\n\r\n", {"b.example", "a"}},
      {"URL in a query", "GET /?u=http://a.example/ HTTP/1.1\r\nHost: b\r\n\r\n", {"b"}},
      {"blanks in the target", "GET /a b HTTP/1.1\r\nHost: b.example\r\n\r\n", {"b.example"}},
      {"many blanks", "GET \t /  HTTP/1.1 \r\nHost: b.example\r\n\r\n", {"b.example"}},
      {"no colon", "GET / HTTP/1.1\r\nnonsense\r\nHost: b.example\r\n\r\n", {"b.example"}},
      {"0.9 by a proxy", "GET http://b.example/\r\n", {"b.example"}},
      {"empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", {}},
      {"no host", "GET / HTTP/1.0\r\nX-Host: b\r\nA: Host: b\r\n\r\n", {}},
      {"in the body", "POST / HTTP/1.1\r\nHost: a\r\n\r\nHost: b\r\n", {"a"}},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(names(one.head), one.expected) << one.what;
    Request request;
    EXPECT_EQ(parse_request(bytes_of(one.head), request),
              one.expected.empty() ? Outcome::no_name : Outcome::found)
        << one.what;
    EXPECT_TRUE(request.complete) << one.what;
    EXPECT_TRUE(may_be_http(bytes_of(one.head)) || one.head.find("HTTP/") == string_view::npos)
        << one.what;
    // Names only ever come to those that are there, and all of them with the head's end.
    std::size_t before = 0;
    for (std::size_t size = 0; size < request.head_octets; ++size) {
      Request part;
      const Outcome outcome = parse_request(bytes_of(one.head.substr(0, size)), part);
      EXPECT_TRUE(outcome == Outcome::need_more || outcome == Outcome::found) << one.what << size;
      EXPECT_FALSE(part.complete);
      EXPECT_GT(part.wanted, size);
      EXPECT_GE(part.name_count, before);
      for (std::size_t i = 0; i < part.name_count; ++i) EXPECT_EQ(part.names[i], one.expected[i]);
      before = part.name_count;
      EXPECT_TRUE(may_be_http(bytes_of(one.head.substr(0, size)))) << one.what << size;
    }
  }
}

TEST(HttpRequest, TellsANameBeforeTheHeadEnds) {
  Request request;
  EXPECT_EQ(parse_request(bytes_of("GET / HTTP/1.1\r\nHost: b.example\r\nA"), request),
            Outcome::found);
  EXPECT_FALSE(request.complete);
  // The next octet may still be a blank, and the line folded.
  EXPECT_EQ(parse_request(bytes_of("GET / HTTP/1.1\r\nHost: b.example\r\n"), request),
            Outcome::need_more);
}

TEST(HttpRequest, SaysWhatComesBehindTheHead) {
  const auto parse = [](string_view fields) {
    Request request;
    const std::string text = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
    EXPECT_EQ(parse_request(bytes_of(text + "next"), request), Outcome::found);
    EXPECT_EQ(request.head_octets, text.size());
    return request;
  };
  EXPECT_EQ(parse("").content_length, 0U);
  EXPECT_EQ(parse("content-length: 42\r\n").content_length, 42U);
  EXPECT_FALSE(parse("Content-Length: 5, 5\r\n").framing_unclear);
  EXPECT_TRUE(parse("Content-Length: 5\r\nContent-Length: 6\r\n").framing_unclear);
  EXPECT_TRUE(parse("Content-Length: -1\r\n").framing_unclear);
  EXPECT_TRUE(parse("Content-Length: 99999999999999999999\r\n").framing_unclear);
  EXPECT_TRUE(parse("Transfer-Encoding: gzip, Chunked\r\n").chunked);
  EXPECT_FALSE(parse("Transfer-Encoding: gzip, Chunked\r\n").framing_unclear);
  EXPECT_TRUE(parse("Transfer-Encoding: identity\r\n").framing_unclear);
  Request request;
  (void)parse_request(bytes_of("CONNECT a:1 HTTP/1.1\r\n\r\n\x16\x03"), request);
  EXPECT_TRUE(request.connect);
  EXPECT_EQ(request.head_octets, 24U);
}

TEST(HttpRequest, NamesEachDefect) {
  const auto defect = [](string_view text) {
    Request request;
    EXPECT_EQ(parse_request(bytes_of(text), request), Outcome::malformed);
    return request.defect;
  };
  EXPECT_EQ(defect("GET\r\n\r\n"), Defect::request_line);
  EXPECT_EQ(defect("GET \r\n\r\n"), Defect::request_line);
  EXPECT_EQ(defect(" GET / HTTP/1.1\r\n\r\n"), Defect::request_line);
  EXPECT_EQ(defect("G\x16T / HTTP/1.1\r\n\r\n"), Defect::request_line);
  EXPECT_EQ(defect("PRI * HTTP/2.0\r\n\r\n"), Defect::version);
  EXPECT_EQ(defect("GET / HTTP/x\r\n\r\n"), Defect::version);
  EXPECT_EQ(defect("GET / HTTP/1.1\nHost:a\nHost:b\nHost:c\nHost:d\nHost:e\n\n"),
            Defect::too_many_names);
  const std::string filler = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(kMaxHeadOctets, 'x');
  EXPECT_EQ(defect(filler), Defect::head_too_long);
  EXPECT_EQ(names(filler), Names{"a"});
  EXPECT_EQ(defect(std::string(kMaxHeadOctets, '\n')), Defect::head_too_long);
  EXPECT_EQ(names(filler.substr(0, kMaxHeadOctets - 30) + "\r\nHost: b\r\n\r\n"),
            (Names{"a", "b"}));
}

TEST(HttpRequest, KnowsWhatMayBeHttp) {
  for (const string_view start :
       {"", "\r", "\r\n\r\n", "G", "GE", "GET", "GET ", "GET\t/", "PRI * HTTP/2.0\r\n", "VERSION-C",
        "FOO", "FOO ", "FOO /", "FOO / HTTP/1.0\n", "foo * HTTP/1.1\r\n", "FOO a:1 HTTP/1.1\r\n",
        "\r\nX-Y [::1] HTTP/1.1\r\n"}) {
    EXPECT_TRUE(may_be_http(bytes_of(start))) << start;
  }
  const string_view not_http[] = {
      "EHLO a.example\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "FOO / HTML/2.0\n",
      "\x16\x03\x01",
      " / HTTP/1.1\n",
      "ABCDEFGHIJKLMNOPQRSTUABCDEFGHIJKLMNOPQRSTUABCDEFGHIJKLMNOPQRSTUVWX / H",
      "FOO :",
      "FOO /\x01",
      "\x13"
      "BitTorrent",
      "\r\n\x16",
      "GETS\x01",
      "USER joe\n",
  };
  for (const string_view start : not_http) EXPECT_FALSE(may_be_http(bytes_of(start))) << start;
}

}  // namespace
}  // namespace sluice::inspect::http
