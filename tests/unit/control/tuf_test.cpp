#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/tuf/digest.h"
#include "control/tuf/json.h"
#include "control/tuf/key.h"
#include "control/tuf/metadata.h"
#include "control/tuf/time.h"

namespace sluice::tuf {
namespace {

TEST(CanonicalJson, SortsAndEscapesLittle) {
  const auto json = parse_strict("{\"b\": [1, true, null], \"a\": \"q\\\"\\\\\\u00e9\\n\"}", "t");
  ASSERT_TRUE(json);
  EXPECT_EQ(canonical(*json), "{\"a\":\"q\\\"\\\\\xc3\xa9\n\",\"b\":[1,true,null]}");
}

TEST(StrictJson, RefusesWhatReadersSeeDifferently) {
  for (const char* text : {"{\"a\":1,\"a\":2}", "{\"a\":1.5}", "{\"a\":1e3}", "{\"a\":NaN}", "{} x",
                           "{\"a\":18446744073709551616}", "", "{\"a\":\"\xff\"}", "[1,]"}) {
    EXPECT_FALSE(parse_strict(text, "t")) << text;
  }
  EXPECT_FALSE(parse_strict(std::string(100, '['), "t"));
  EXPECT_FALSE(parse_strict(std::string(100'000, '['), "t"));
}

TEST(Time, ReadsOneFormOnly) {
  EXPECT_EQ(to_text(*parse_time("2028-02-29T23:59:59Z")), "2028-02-29T23:59:59Z");
  EXPECT_EQ(to_text(*parse_time_or_day("2026-05-06")), "2026-05-06T00:00:00Z");
  for (const char* text : {"2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z",
                           "2026-1-01T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00",
                           "2026-01-01T00:00:00+01:00", "1969-12-31T00:00:00Z", ""}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

// RFC 8032 section 7.1, test 2.
TEST(Key, VerifiesAKnownSignature) {
  const Json object = {
      {"keytype", "ed25519"},
      {"scheme", "ed25519"},
      {"keyval", {{"public", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"}}}};
  const auto key = PublicKey::from_json(object, sha256(canonical(object)), "t");
  ASSERT_TRUE(key);
  auto signature = from_hex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  ASSERT_TRUE(signature);
  EXPECT_TRUE(key->verify("\x72", *signature));
  EXPECT_FALSE(key->verify("\x73", *signature));
  signature->at(10) ^= 1;
  EXPECT_FALSE(key->verify("\x72", *signature));
  signature->pop_back();
  EXPECT_FALSE(key->verify("\x72", *signature));
}

TEST(Key, UnknownSchemeNeverVerifies) {
  const Json object = {{"keytype", "rsa"}, {"scheme", "pss"}, {"keyval", {{"public", "x"}}}};
  const auto key = PublicKey::from_json(object, sha256(canonical(object)), "t");
  ASSERT_TRUE(key);
  EXPECT_FALSE(key->verify("m", std::vector<std::uint8_t>(64)));
}

TEST(Paths, StarStaysInItsSegment) {
  EXPECT_TRUE(path_matches("lists/police/*", "lists/police/full.cpl.zst"));
  EXPECT_FALSE(path_matches("lists/police/*", "lists/police/a/b"));
  EXPECT_FALSE(path_matches("lists/*", "lists/police/full.cpl.zst"));
  EXPECT_FALSE(path_matches("lists/police/*", "lists/press/full.cpl.zst"));
}

TEST(Roles, NamesAreSafeInPaths) {
  EXPECT_TRUE(is_role_name("list-market-regulation"));
  for (const char* name : {"", "../x", "a/b", "A", "list.police"}) EXPECT_FALSE(is_role_name(name));
}

}  // namespace
}  // namespace sluice::tuf
