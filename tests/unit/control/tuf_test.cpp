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
                           "{\"a\":18446744073709551616}", "{\"a\":9007199254740992}",
                           "{\"a\":-9007199254740992}", "", "{\"a\":\"\xff\"}", "[1,]"}) {
    EXPECT_FALSE(parse_strict(text, "t")) << text;
  }
  EXPECT_TRUE(parse_strict("{\"a\":9007199254740991,\"b\":-9007199254740991}", "t"));
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

Json sm2_object(const std::string& value) {
  return {{"keytype", "sm2"}, {"scheme", "sm2-sm3"}, {"keyval", {{"public", value}}}};
}

// GM/T 0003.5-2012, the example of a signature.
TEST(Key, VerifiesAKnownSm2Signature) {
  const std::string value =
      "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
      "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
  const Json object = sm2_object(value);
  const auto key = PublicKey::from_json(object, sha256(canonical(object)), "t");
  ASSERT_TRUE(key) << key.error().text();
  auto signature = from_hex(
      "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
      "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
  ASSERT_TRUE(signature);
  EXPECT_TRUE(key->verify("message digest", *signature));
  EXPECT_FALSE(key->verify("message digesT", *signature));
  for (std::size_t octet = 0; octet < signature->size(); ++octet) {
    auto wrong = *signature;
    wrong[octet] ^= 1;
    EXPECT_FALSE(key->verify("message digest", wrong)) << octet;
  }
  for (const std::size_t size : {0U, 1U, 64U, 71U}) {
    EXPECT_FALSE(key->verify("message digest", std::span(*signature).first(size))) << size;
  }
  signature->push_back(0);
  EXPECT_FALSE(key->verify("message digest", *signature));
  EXPECT_EQ(PublicKey::from_value(value, "t").value().json(), object);
}

TEST(Key, BadSm2KeysAreRefused) {
  const std::string x = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020";
  const std::string y = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
  // Compressed, hybrid, beside the curve, at infinity, too short, none.
  for (const std::string& value : {"03" + x, "07" + x + y, "04" + y + x, std::string("00"),
                                   "04" + x + y.substr(2), "04" + x + y + "00", std::string("x")}) {
    const Json object = sm2_object(value);
    EXPECT_FALSE(PublicKey::from_json(object, sha256(canonical(object)), "t")) << value;
  }
}

TEST(Key, SchemesAreNotTakenForOneAnother) {
  for (const Scheme scheme : {Scheme::ed25519, Scheme::sm2}) {
    const auto key = PrivateKey::generate(scheme);
    ASSERT_TRUE(key);
    const auto signature = from_hex(key->sign("message").value());
    Json object = key->public_json();
    const auto known = PublicKey::from_json(object, key->keyid(), "t");
    ASSERT_TRUE(known) << known.error().text();
    EXPECT_TRUE(known->verify("message", *signature));
    EXPECT_FALSE(known->verify("massage", *signature));
    // One half of the other's name.
    object["scheme"] = scheme == Scheme::sm2 ? "ed25519" : "sm2-sm3";
    const auto mixed = PublicKey::from_json(object, sha256(canonical(object)), "t");
    ASSERT_TRUE(mixed);
    EXPECT_FALSE(mixed->verify("message", *signature));
  }
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
