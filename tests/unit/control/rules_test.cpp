// Signed rules that are wrong, and sets of names against the plain way to ask them.
#include "control/compile/rules.h"

#include <random>

#include "control/compile/public_suffix.h"
#include "control/compile/zstd_lines.h"
#include "tests/unit/control/appliance.h"

namespace sluice::test {
namespace {

using compile::NameSet;
using generation::Scope;

class BadRules : public Appliance {
 protected:
  void expect_refused_rules(const std::string& path, const std::string& text,
                            const std::string& reason) {
    repository_.policy = {{path, text}};
    repository_.publish();
    expect_refused(reason);
    repository_.policy.clear();
  }
};

TEST_F(BadRules, AreRefusedWithTheirPlace) {
  expect_refused_rules("policy/guards.yaml", "a: [", "policy/guards.yaml");
  expect_refused_rules("policy/guards.yaml", "size: {max_ratio: x}", "policy/guards.yaml");
  expect_refused_rules("policy/guards.yaml", "size: {min_entries_to_apply: 1O00}",
                       "bad conversion");
  for (const char* text : {"never_block: {source: builtin-public-suffix-list}",
                           "probes: {must_hit: casino.example}", "probes: {must_miss: {a: b}}"}) {
    expect_refused_rules("policy/guards.yaml", text, "is no list");
  }
  expect_refused_rules("policy/guards.yaml", "never_block: [{source: popularity-top1k}]",
                       "policy/popular.cpl.zst: is named by guards.yaml and not signed");
  expect_refused_rules("policy/taxonomy.yaml", "categories: [{id: 9, name: gambling}]",
                       "gives 'gambling' the id 9");
  expect_refused_rules(
      "policy/taxonomy.yaml", "categories: [{id: 9, name: fraud}]",
      "order PSB-1 is in the category 'gambling', which the signed taxonomy has not");
  expect_refused_rules("policy/guards.yaml", std::string(70'000, '#'), "where 65536 are the most");
  expect_refused_rules("policy/popular.cpl.zst", std::string((1 << 22) + 1, 'x'),
                       "is signed with more than");
  expect_recovery();
}

TEST_F(BadRules, ListsOfNamesAreBounded) {
  const auto with = [&](const std::string& packed, const std::string& reason) {
    repository_.policy = {
        {"policy/guards.yaml", "never_block: [{source: 'target:policy/protected.cpl.zst'}]"},
        {"policy/protected.cpl.zst", packed}};
    repository_.publish();
    expect_refused(reason);
  };
  with("no zstd", "is not sound zstd");
  with(compile::zstd_pack("com\ttree\t0\n").value(), "is a top-level domain");
  with(compile::zstd_pack(std::string(70'000'000, '#') + "\n").value(), "a line is over");
  with(compile::zstd_pack("#CPL 1\na.example\ttree\t0").value(), "no line end");
  repository_.policy.clear();
  expect_recovery();
}

TEST_F(BadRules, FlippedBitsAreRefused) {
  repository_.policy = {{"policy/guards.yaml", "guards: 1\n"}};
  repository_.on_file = [](const std::string& path, std::string& bytes) {
    if (path.find("guards.yaml") != std::string::npos) bytes[0] ^= 1;
  };
  repository_.publish();
  expect_refused("does not match its signed SHA-256");
}

TEST_F(BadRules, ConfirmPopularIsTrueOrFalse) {
  repository_.lists["police"].orders = tuf::canonical({{"order", "A"},
                                                       {"category", "gambling"},
                                                       {"confirm_popular", "yes"},
                                                       {"effective", "2026-01-01T00:00:00Z"},
                                                       {"expires", "2027-01-01T00:00:00Z"}}) +
                                       "\n";
  repository_.lists["police"].seq = 2;
  repository_.publish();
  expect_refused("confirm_popular is not true or false");
}

TEST(NameSets, SayWhatEachEntrySays) {
  std::mt19937 random(11);  // NOLINT: a fixed seed repeats a failure
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto draw = [&] {
    std::string key = "test.";
    for (unsigned labels = pick(4); labels > 0; --labels) {
      key += std::string(1, static_cast<char>('a' + pick(3))) + ".";
    }
    return key;
  };
  for (unsigned round = 0; round < 200; ++round) {
    std::vector<NameSet::Entry> entries;
    for (unsigned i = pick(8); i > 0; --i) {
      entries.push_back({draw(), pick(2) == 0 ? Scope::tree : Scope::exact});
    }
    const NameSet set(entries);
    for (unsigned i = 0; i < 50; ++i) {
      const std::string key = draw();
      bool covered = false;
      bool reached = false;
      for (const NameSet::Entry& one : set.entries()) {
        covered |= one.key == key || (one.scope == Scope::tree && key.starts_with(one.key));
        reached |= one.key.starts_with(key);
      }
      ASSERT_EQ(set.covers(key), covered) << key;
      ASSERT_EQ(set.is_reached_by(key, Scope::tree), reached) << key;
    }
    for (const NameSet::Entry& one : entries) ASSERT_TRUE(set.covers(one.key)) << one.key;
  }
}

TEST(PublicSuffixes, AreReadFromDebiansList) {
  const auto suffixes = compile::read_public_suffixes();
  ASSERT_TRUE(suffixes) << suffixes.error().text();
  for (const char* name : {"uk.co.", "io.github.", "cn.gov.", "cn.xn--55qx5d."}) {
    EXPECT_TRUE(suffixes->covers(name)) << name;
  }
  for (const char* name : {"com.google.", "io.github.a.", "ck.www.", "uk.co.bbc."}) {
    EXPECT_FALSE(suffixes->covers(name)) << name;
  }
  EXPECT_FALSE(compile::read_public_suffixes("/nonexistent"));
}

}  // namespace
}  // namespace sluice::test
