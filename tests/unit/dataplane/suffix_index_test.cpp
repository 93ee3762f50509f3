// Names that nobody would list, and entries that the table cannot hold.
#include "config/name/octets.h"
#include "tests/unit/dataplane/index_fixture.h"

namespace sluice::test {
namespace {

using generation::Record;
using generation::Scope;
using name::FoldedName;

constexpr std::uint8_t kGames = 18;
constexpr std::uint8_t kVideo = 21;

/// Every number of labels that fits, the root among them, above a listed name and above none.
std::vector<FoldedName> deep_names() {
  std::vector<FoldedName> out;
  for (const std::vector<std::string>& top :
       {std::vector<std::string>{}, {"example", "com"}, {"com"}, {"a.b", "com"}}) {
    std::vector<std::string> labels = top;
    for (std::size_t octets = 2 + 8 * top.size(); octets <= name::kMaxWireOctets; octets += 2) {
      out.push_back(from_labels(labels));
      labels.insert(labels.begin(), "a");
    }
  }
  return out;
}

/// Labels of every length, up to 255 octets in all.
std::vector<FoldedName> long_names() {
  std::vector<FoldedName> out;
  for (std::size_t length = 1; length <= name::kMaxLabelOctets; ++length) {
    std::vector<std::string> labels = {"com"};
    std::size_t octets = 5;
    for (; octets + 1 + length <= name::kMaxWireOctets; octets += 1 + length) {
      labels.insert(labels.begin(), std::string(length, 'b'));
      out.push_back(from_labels(labels));
    }
    const std::size_t rest = name::kMaxWireOctets - octets;
    if (rest >= 2) {
      labels.insert(labels.begin(), std::string(rest - 1, 'c'));
      out.push_back(from_labels(labels));
      EXPECT_EQ(out.back().view().size(), name::kMaxWireOctets - 1);
    }
  }
  return out;
}

std::vector<FoldedName> odd_octets() {
  using namespace std::string_literals;
  std::vector<FoldedName> out;
  for (const std::string& label :
       {"a.b"s, "."s, "example.com"s, "\0"s, "a\0"s, "\0a"s, "\x01"s, "\xff\xfe"s, " "s, "EXAMPLE"s,
        "exampl"s, "example\0"s, "examplee"s, "com.example"s, "com.example."s, "*"s}) {
    out.push_back(from_labels({label}));
    out.push_back(from_labels({label, "com"}));
    out.push_back(from_labels({label, "example", "com"}));
    out.push_back(from_labels({"www", label, "com"}));
    out.push_back(from_labels({"example", label}));
  }
  return out;
}

Entries usual() {
  return {{"com.example.", {{0, kGames}}},
          {"com.example.a.", {{0, kVideo, Scope::subs}}},
          {"com.example.a.a.a.a.a.a.a.a.", {{0, kVideo, Scope::exact}}},
          {"com.b.", {{0, kGames, Scope::exact}}},
          {"org.", {{0, kGames, Scope::subs}}}};
}

/// Listed names as long and as deep as they can be.
Entries extreme() {
  Entries entries = usual();
  for (const auto& names : {deep_names(), long_names()}) {
    for (std::size_t i = 0; i < names.size(); i += 3) {
      const std::string key(name::LookupName(names[i]).view());
      // A label with a dot in it is no listed name's.
      if (!key.empty() && key.find(name::kDotInLabel) == std::string::npos) {
        entries[key] = {{0, kVideo}};
      }
    }
  }
  return entries;
}

TEST(SuffixIndex, AgreesOnHostileNames) {
  for (const Entries& entries : {Entries{}, usual(), extreme()}) {
    const Listed generation(entries);
    for (const auto& names : {deep_names(), long_names(), odd_octets()}) {
      EXPECT_EQ(generation.differences(names), 0U);
    }
  }
}

// Under such a key all names have one hash, and every look-up meets another name's entry.
TEST(SuffixIndex, AgreesWhereAllNamesCollide) {
  constexpr index::SuffixHash::Key kBlind{};
  for (const Entries& entries : {Entries{}, usual(), extreme()}) {
    const Listed generation(entries, kBlind);
    for (const auto& names : {deep_names(), long_names(), odd_octets()}) {
      EXPECT_EQ(generation.differences(names), 0U);
    }
  }
}

TEST(SuffixIndex, RefusesAKeyThatMakesTooManyCollide) {
  Entries entries;
  for (int i = 0; i < 1000; ++i) entries["com.n" + std::to_string(i) + "."] = {{0, kGames}};
  const auto path = testing::TempDir() + "sluice-collide-" + std::to_string(getpid()) + ".lmdb";
  auto writer = generation::Writer::create(path);
  for (const auto& [key, records] : entries) ASSERT_TRUE(writer->append(key, records));
  ASSERT_TRUE(writer->finish(1, "t"));
  const auto generation = generation::Generation::open(path);
  std::filesystem::remove(path);
  EXPECT_FALSE(index::SuffixIndex::build(**generation, {}));
  EXPECT_TRUE(index::SuffixIndex::build(**generation));
}

TEST(SuffixIndex, AnswersForTheTopLevel) {
  const Listed generation({{"com.", {{0, kGames}}}, {"net.example.", {{0, kGames}}}});
  EXPECT_EQ(generation.differences({from_key("com."), from_key("com.a."), from_key("com.a.b."),
                                    from_key("net."), from_key("net.example."), from_key("org.a."),
                                    from_labels({})}),
            0U);
}

// LMDB gives a value of over half a page pages of its own, away from the key.
TEST(SuffixIndex, AnswersForAValueOnItsOwnPage) {
  Entries entries = usual();
  entries["com.long."] = std::vector<Record>(400, Record{0, kGames, Scope::subs});
  const Listed generation(std::move(entries));
  EXPECT_EQ(generation.differences({from_key("com.long."), from_key("com.long.a."),
                                    from_key("com.longer."), from_key("com.")}),
            0U);
  EXPECT_FALSE(generation.index().match(from_key("com.long.")));
}

TEST(SuffixIndex, MatchesTheLongestSuffix) {
  const Listed generation(usual());
  const auto match = generation.index().match(from_key("com.example.a.b.c."));
  ASSERT_TRUE(match);
  EXPECT_EQ(match->labels, 3);
  EXPECT_EQ(match->entry.flat(true).categories, policy::bit(kGames) | policy::bit(kVideo));
  EXPECT_FALSE(generation.index().match(from_key("com.c.")));
  EXPECT_FALSE(generation.index().match(from_labels({})));
}

TEST(SuffixIndex, TakesTwelveOctetsAnEntry) {
  Entries entries;
  for (int i = 0; i < 100'000; ++i) entries["com.n" + std::to_string(i) + "."] = {{0, kGames}};
  const Listed generation(std::move(entries));
  EXPECT_LE(generation.index().octets(), 100'000U * 12);
}

}  // namespace
}  // namespace sluice::test
