// Proofs of logs, the policies that believe them, and the notes in which they come. The sample's
// proof was made by another program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/tlog/base64.h"
#include "control/tlog/proof.h"
#include "control/tuf/digest.h"
#include "tests/unit/control/repository.h"

namespace sluice::tlog {
namespace {

using ::testing::HasSubstr;

class SampleProof : public ::testing::Test {
 protected:
  static std::filesystem::path sample() {
    const char* shared = std::getenv("SLUICE_SHARED");
    return std::filesystem::absolute(shared != nullptr ? shared : SLUICE_SOURCE_DIR "/../shared") /
           "list-repository-sample/repo";
  }
  Result<Believed> verify(const std::string& text) {
    auto proof = parse_proof(text, "proof");
    if (!proof) return fail(proof.error());
    return verify_proof(*proof, leaf_, policy_, "proof");
  }

  std::string text_ = test::read_file(sample() / "metadata/310.snapshot.tlog-proof");
  std::string policy_text_ = test::read_file(sample() / "tlog-policy.txt");
  LogPolicy policy_ = LogPolicy::parse(policy_text_, "tlog-policy.txt").value();
  std::string leaf_ =
      release_leaf(310, tuf::sha256(test::read_file(sample() / "metadata/310.snapshot.json")));
};

TEST_F(SampleProof, Verifies) {
  const auto believed = verify(text_);
  ASSERT_TRUE(believed) << believed.error().text();
  EXPECT_EQ(believed->checkpoint.origin, "cpl.gov.example/log1");
  EXPECT_EQ(believed->checkpoint.size, 7U);
  ASSERT_EQ(believed->witnesses.size(), 2U);
  EXPECT_EQ(believed->witnesses[0].witness, "auditor");
  EXPECT_EQ(believed->witnessed, believed->witnesses[0].time);
  EXPECT_EQ(tuf::to_text(*believed->witnessed), "2026-08-17T20:53:20Z");
  EXPECT_EQ(proof_text(parse_proof(text_, "proof").value()), text_);
}

TEST_F(SampleProof, AnyChangedOctetIsRefused) {
  for (std::size_t i = 0; i < text_.size(); ++i) {
    std::string bad = text_;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(verify(bad)) << "octet " << i << ": " << bad;
  }
  for (std::size_t length = 0; length < text_.size(); ++length) {
    EXPECT_FALSE(verify(text_.substr(0, length))) << length;
  }
}

TEST_F(SampleProof, OtherReleasesAndPoliciesAreRefused) {
  const auto proof = parse_proof(text_, "proof").value();
  EXPECT_THAT(verify_proof(proof, release_leaf(311, tuf::sha256("x")), policy_, "p").error().text(),
              HasSubstr("does not lead"));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = policy_text_;
    text.replace(text.find(from), from.size(), to);
    return verify_proof(proof, leaf_, LogPolicy::parse(text, "policy").value(), "p");
  };
  EXPECT_THAT(with("outside 2", "outside all").error().text(), HasSubstr("is no quorum"));
  EXPECT_THAT(with("quorum outside", "quorum isp").error().text(), HasSubstr("is no quorum"));
  EXPECT_TRUE(with("quorum outside", "quorum ngo"));
  EXPECT_TRUE(with("quorum outside", "quorum none"));
  const std::string log = policy_text_.substr(0, policy_text_.find('\n'));
  const auto other = tuf::PrivateKey::generate().value();
  EXPECT_THAT(with(log, "log " + vkey("cpl.gov.example/log1", KeyType::log, other)).error().text(),
              HasSubstr("no log of the policy"));
}

TEST_F(SampleProof, GarbledAndHugeProofsAreRefused) {
  std::string many = text_;
  const std::string hash = "fgsao2Nrz4eQQmnTBWJqFigACBvHKvci5T3rTAOWE0w=\n";
  for (int i = 0; i < 61; ++i) many.insert(text_.find(hash), hash);
  EXPECT_THAT(verify(many).error().text(), HasSubstr("more hashes than any tree"));
  EXPECT_THAT(verify(text_ + std::string(kMaxProofOctets, 'x')).error().text(),
              HasSubstr("too long"));
  std::string index = text_;
  EXPECT_THAT(verify(index.replace(index.find("index 5"), 7, "index 05")).error().text(),
              HasSubstr("no number"));
  index = text_;
  EXPECT_FALSE(verify(index.replace(index.find("index 5"), 7, "index 18446744073709551616")));
  EXPECT_THAT(verify("<html>").error().text(), HasSubstr("is no proof"));
  std::string extra = text_;
  EXPECT_TRUE(verify(extra.insert(extra.find("index"), "extra Zm9v\n")));
}

TEST(LogPolicies, FaultsAreToldWithTheirLine) {
  const std::string log = vkey("a.example/log", KeyType::log, tuf::PrivateKey::generate().value());
  const std::string w = vkey("w.example", KeyType::witness, tuf::PrivateKey::generate().value());
  const std::string head = "log " + log + "\nwitness w " + w + "\n";
  EXPECT_TRUE(LogPolicy::parse("# c\n\n \tlog  " + log + " https://a.example/\nquorum none", "p"));
  EXPECT_TRUE(LogPolicy::parse(head + "group g any w\ngroup h 1 g\nquorum h\n", "p"));
  const std::pair<std::string, const char*> faults[] = {
      {"", "names no quorum"},
      {"quorum none\n", "names no log"},
      {head, "names no quorum"},
      {head + "quorum x\n", "p:3: the quorum 'x' is not defined above it"},
      {head + "quorum w\nquorum w\n", "two quorums"},
      {head + "witness v " + w + "\nquorum w\n", "key of the witness is there twice"},
      {head + "witness w " + w + "\n", "is taken"},
      {head + "witness none " + w + "\n", "is taken"},
      {head + "group g 2 w\n", "asks for '2' of its 1 members"},
      {head + "group g 0 w\n", "asks for '0'"},
      {head + "group g 1x w\n", "asks for '1x'"},
      {head + "group g any g\n", "not defined above it"},
      {head + "group g any w w\n", "is a member twice"},
      {head + "group g any w\ngroup h any w\n", "is a member twice"},
      {"log " + w + "\n", "is a witness's"},
      {"witness w " + log + "\n", "is a log's"},
      {"log a.example+00000000+" + log.substr(log.find('+', log.find('+') + 1) + 1) + "\n",
       "id that is not"},
      {"log a.example\n", "is no key"},
      {"logs x\n", "is no line of a log policy"},
      {"quorum none\r\n", "control character"},
      {std::string(300, '\n'), "too many lines"},
      {std::string(70'000, '#'), "too long"}};
  for (const auto& [text, reason] : faults) {
    const auto policy = LogPolicy::parse(text, "p");
    ASSERT_FALSE(policy) << text;
    EXPECT_THAT(policy.error().text(), HasSubstr(reason));
  }
}

TEST(Notes, SignedHereVerifyHere) {
  const auto key = tuf::PrivateKey::generate().value();
  const auto witness = tuf::PrivateKey::generate().value();
  Note note{"a.example/log\n0\n" + to_base64(empty_root()) + "\n", {}};
  note.signatures.push_back(sign_note(note.text, "a.example/log", key).value());
  const tuf::Time time = tuf::parse_time("2026-06-01T00:00:00Z").value();
  note.signatures.push_back(cosign_note(note.text, "w.example", witness, time).value());
  const auto read = parse_note(note_text(note), "note");
  ASSERT_TRUE(read) << read.error().text();
  const auto verifier =
      VerifierKey::parse(vkey("w.example", KeyType::witness, witness), "w").value();
  EXPECT_EQ(verifier.verify(read->text, read->signatures[1]), time);
  EXPECT_FALSE(verifier.verify(read->text + "x\n", read->signatures[1]));
  // A time that was altered is no longer what the witness signed.
  auto later = read->signatures[1];
  later.octets[7] = static_cast<char>(later.octets[7] ^ 1);
  EXPECT_FALSE(verifier.verify(read->text, later));
  for (const char* bad : {"", "\n\n", "a\n", "a\n\nb\n", "a\n\n\u2014 n\n", "a\n\n\u2014 n Zg==\n",
                          "a\x01\n\n\u2014 n Zm9vYmFy\n", "a\n\n\u2014 n Zm9vYmFy"}) {
    EXPECT_FALSE(parse_note(bad, "note")) << bad;
  }
}

}  // namespace
}  // namespace sluice::tlog
