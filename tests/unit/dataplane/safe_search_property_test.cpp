// Responses of all kinds to a query that was asked for its safe name: what the client gets is what
// a reader that is written apart takes from them, and from spoiled ones nothing unsafe.
#include <optional>
#include <random>

#include "dataplane/inspect/dns/response.h"
#include "tests/fuzz/reply_check.h"
#include "tests/unit/dataplane/safe_search.h"

namespace sluice::pipeline {
namespace {

constexpr std::string_view kAskedName = "www.find.net";
constexpr std::string_view kSafeName = "safe.find.net";

struct Drawn {
  std::size_t owner = 0;  // of kPool
  std::optional<std::size_t> target;
  std::uint32_t ttl = 0;
  Bytes address;
};

const std::vector<std::string> kPool = {"safe.find.net", "www.find.net", "a.cdn.net",
                                        "B.cdn.net",     "c.cdn.net",    "other.net"};

class SafeSearchProperty : public SafeSearchCase {
 protected:
  std::size_t any(std::size_t below) { return random_() % below; }

  std::vector<Drawn> draw() {
    std::vector<Drawn> records(any(12));
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].owner = any(2) == 0 ? 0 : any(kPool.size());
      records[i].ttl = static_cast<std::uint32_t>(any(1000));
      if (any(3) == 0) {
        records[i].target = any(kPool.size());
      } else {
        records[i].address = {198, 51, 100, static_cast<std::uint8_t>(i)};
      }
    }
    return records;
  }
  static std::vector<Answer> sent(const std::vector<Drawn>& records) {
    std::vector<Answer> out;
    for (const Drawn& one : records) {
      out.push_back({test::wire_name(kPool[one.owner]), one.target ? kCname : kA, one.ttl,
                     one.target ? test::wire_name(kPool[*one.target]) : one.address});
    }
    return out;
  }
  /// By names, not octets: the first alias of each name, eight of them, and then addresses.
  static std::vector<Answer> expected(const std::vector<Drawn>& records) {
    std::size_t at = 0;
    std::uint32_t ttl = UINT32_MAX;
    for (int alias = 0; alias < 8; ++alias) {
      const auto next = std::find_if(records.begin(), records.end(), [&](const Drawn& one) {
        return one.owner == at && one.target;
      });
      if (next == records.end()) break;
      at = *next->target;
      ttl = std::min(ttl, next->ttl);
    }
    std::vector<Answer> out;
    for (const Drawn& one : records) {
      if (one.owner != at || one.target || out.size() == 8) continue;
      ttl = std::min(ttl, one.ttl);
      out.push_back({{0xc0, 42}, kA, 0, one.address});
    }
    for (Answer& one : out) one.ttl = ttl;
    if (!out.empty()) {
      out.insert(out.begin(), {{0xc0, 12}, kCname, ttl, test::wire_name(kSafeName)});
    }
    return out;
  }

  std::mt19937 random_{20261128};
};

TEST_F(SafeSearchProperty, WhatTheClientGetsIsTheSafeNamesOwn) {
  for (int i = 0; i < 4000; ++i) {
    const auto records = draw();
    const auto wanted = expected(records);
    const std::uint16_t cut = any(4) == 0 ? 0x200 : 0;
    const std::uint16_t rcode = any(6) == 0 ? 2 : any(6) == 0 ? 3 : 0;
    EXPECT_EQ(ask(test::dns_query(kAskedName)), Fate::rewrite);
    const auto flags = static_cast<std::uint16_t>(kAnswered | cut | rcode);
    ASSERT_EQ(answer(dns_response(question(kSafeName), flags, sent(records))), Fate::rewrite);
    const Bytes got = payload();
    if (rcode == 2) {
      EXPECT_EQ(got, dns_response(question(kAskedName), kAnswered | 2, {}));
    } else if (!wanted.empty()) {
      EXPECT_EQ(got, dns_response(question(kAskedName),
                                  static_cast<std::uint16_t>(kAnswered | rcode), wanted));
    } else if (cut != 0) {
      EXPECT_EQ(got, dns_response(question(kAskedName),
                                  static_cast<std::uint16_t>(kAnswered | cut | rcode), {}));
    } else {
      EXPECT_EQ(got[7], 1);  // the alias
      EXPECT_EQ(got[9], 1);  // SOA
    }
  }
}

TEST_F(SafeSearchProperty, NothingUnsafeComesOfSpoiledAnswers) {
  const Bytes asked = question(kAskedName);
  unsigned forwarded = 0;
  for (int i = 0; i < 20000; ++i) {
    now_ms_ += 1;
    EXPECT_EQ(ask(test::dns_query(kAskedName)), Fate::rewrite);
    const bool safe = any(4) != 0;
    Bytes message = dns_response(question(safe ? kSafeName : kAskedName), kAnswered, sent(draw()));
    for (std::size_t n = any(6); n > 0; --n) {
      message[2 + any(message.size() - 2)] = static_cast<std::uint8_t>(any(256));
    }
    if (any(4) == 0) message.resize(std::max<std::size_t>(any(message.size()), 1));
    const Fate fate = answer(message);
    ASSERT_TRUE(fate == Fate::rewrite || fate == Fate::forward);
    inspect::dns::Response response;
    std::array<std::uint8_t, inspect::dns::kResponseScratchOctets> scratch;
    (void)inspect::dns::parse_response(message, scratch, response);
    const bool of_asked = inspect::dns::is_same_name(
        response.question.name, std::span<const std::uint8_t>(asked).first(asked.size() - 4));
    if (fate == Fate::rewrite) {
      const Bytes got = payload();
      ASSERT_GE(got.size(), 12U);
      EXPECT_LE(got.size(), act::kMaxSafeAnswer);
      if (got.size() == 12) continue;  // of a question that could not be read
      ASSERT_GE(got.size(), 12 + asked.size());
      EXPECT_TRUE(inspect::dns::is_same_name(
          std::span<const std::uint8_t>(got).subspan(12, asked.size() - 4),
          std::span<const std::uint8_t>(asked).first(asked.size() - 4)));
      continue;
    }
    ++forwarded;
    // The client takes no answer to another question, and none without records.
    const bool leads = response.question.type == kA && of_asked && message.size() >= 12 &&
                       (message[6] != 0 || message[7] != 0) && (message[2] & 0xf8) == 0x80;
    bool by_itself = false;
    for (std::size_t k = 0; k < response.count; ++k) {
      by_itself |= inspect::dns::is_same_name(response.names[k], test::wire_name(kSafeName));
    }
    EXPECT_TRUE(!leads || by_itself || response.question.name_count == 0) << i;
  }
  EXPECT_GT(forwarded, 100U);
}

}  // namespace
}  // namespace sluice::pipeline
