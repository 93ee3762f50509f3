// Which names passed, as hashes; and what a generation would block of them, against the
// generation's own word on the names.
#include "dataplane/trial/trial.h"

#include <gtest/gtest.h>
#include <set>

#include "config/generation/writer.h"
#include "dataplane/index/key_hash.h"
#include "tests/fuzz/generation.h"
#include "tests/unit/dataplane/index_fixture.h"
#include "tests/unit/dataplane/pipeline_case.h"
#include "tests/unit/dataplane/random_names.h"

namespace sluice::test {
namespace {

using generation::Disposition;
using generation::Scope;
using trial::PassedName;
using trial::PassedNames;

constexpr std::uint64_t kSecret = 99;
const std::uint8_t kGambling = policy::find_category("gambling")->id;
const std::uint8_t kVideo = policy::find_category("video")->id;

std::vector<PassedName> all_of(const PassedNames& names, std::size_t most = PassedNames::kNames) {
  std::vector<PassedName> out;
  names.visit(most, [&](const PassedName& name) { out.push_back(name); });
  return out;
}

std::shared_ptr<const generation::Generation> make(const Entries& entries) {
  return fuzz::make_generation_of([&](const auto& add) {
    for (const auto& [key, records] : entries) add(key, records);
  });
}

TEST(PassedNames, AreHashedAsListedKeysAre) {
  PassedNames names(kSecret);
  const std::string key = "example.a-rather-long-label-of-many-octets.b.c.d.e.f.g.h.i.";
  names.add(from_key(key));
  names.add(from_key("localhost."));
  names.add(from_key("example.a."));
  const auto kept = all_of(names);
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(kept[0].labels, 10U);
  ASSERT_EQ(kept[0].size(), PassedName::kSuffixes);
  const index::SuffixHash hash = trial::passed_hash(kSecret);
  index::KeyHash of_key(hash);
  ASSERT_TRUE(of_key.add(key));
  for (std::size_t i = 0; i < PassedName::kSuffixes; ++i) {
    EXPECT_EQ(kept[0].suffixes[i], of_key.of(static_cast<unsigned>(i + 1))) << i;
  }
  EXPECT_EQ(kept[1].size(), 0U);
  EXPECT_EQ(kept[2].size(), 1U);
  EXPECT_EQ(kept[2].suffixes[1], 0U) << "of the name before";
  PassedNames others(kSecret + 1);
  others.add(from_key(key));
  EXPECT_NE(all_of(others)[0].suffixes, kept[0].suffixes) << "not keyed";
}

TEST(PassedNames, TheLastOnesStay) {
  PassedNames names(kSecret);
  EXPECT_TRUE(all_of(names).empty());
  for (unsigned i = 0; i < PassedNames::kNames + 10; ++i) {
    names.add(from_key("example.n" + std::to_string(i) + "."));
  }
  EXPECT_EQ(all_of(names).size(), PassedNames::kNames - 1) << "one may just be written";
  const auto last = all_of(names, 5);
  ASSERT_EQ(last.size(), 5U);
  const index::SuffixHash hash = trial::passed_hash(kSecret);
  index::KeyHash key(hash);
  ASSERT_TRUE(key.add("example.n" + std::to_string(PassedNames::kNames + 9) + "."));
  EXPECT_EQ(last[4].suffixes[0], key.of(1));
}

trial::Trial trial_of(const std::vector<std::string>& keys) {
  const auto names = std::make_unique<PassedNames>(kSecret);
  trial::Trial out(trial::passed_hash(kSecret));
  for (const std::string& key : keys) names->add(from_key(key));
  names->visit(PassedNames::kNames, [&](const PassedName& name) { out.add(name); });
  return out;
}

TEST(Trial, SaysWhatTheGenerationsSay) {
  RandomNames random(7);
  const policy::CategoryMask blocked = policy::bit(kGambling) | policy::bit(9);
  std::uint64_t told = 0;
  for (unsigned round = 0; round < 60; ++round) {
    const auto draw = [&] {
      Entries entries;
      for (unsigned n = random.pick(200); n > 0; --n) {
        const std::string key = random.key(12);
        if (std::count(key.begin(), key.end(), '.') < 2) continue;
        const std::uint8_t categories[] = {kGambling, kVideo, 9, 4};
        entries[key] = {{0, categories[random.pick(4)], static_cast<Scope>(random.pick(3)),
                         static_cast<Disposition>(random.pick(8) == 0 ? 2 : 0)}};
      }
      return entries;
    };
    const Entries now = draw();
    Entries next = draw();
    if (round % 2 == 0) next.insert(now.begin(), now.end());
    const auto running = make(now);
    const auto candidate = make(next);
    std::vector<std::string> listed;
    for (const auto& [key, records] : next) listed.push_back(key);
    std::vector<std::string> asked;
    for (unsigned n = 100 + random.pick(400); n > 0; --n) asked.push_back(random.near(listed, 12));
    std::map<std::uint8_t, std::uint64_t> by_category;
    std::uint64_t count = 0;
    for (const std::string& key : asked) {
      const auto verdict = [&](const generation::Generation& of) {
        const auto cursor = of.cursor();
        return policy::decide(cursor->find(name::LookupName(from_key(key))), blocked, 0);
      };
      if (verdict(*running).action == policy::Action::block) continue;
      const auto then = verdict(*candidate);
      if (then.action != policy::Action::block) continue;
      ++count;
      ++by_category[then.category];
    }
    const auto found = trial_of(asked).ask(*candidate, running.get(), blocked);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->asked, asked.size());
    EXPECT_EQ(found->blocked, count - count % trial::kStep) << round;
    for (const auto& [category, of_it] : by_category) {
      const auto at = found->by_category.find(category);
      EXPECT_EQ(at == found->by_category.end() ? 0 : at->second, of_it - of_it % trial::kStep);
    }
    told += found->blocked;
  }
  EXPECT_GT(told, 1000U);
}

TEST(Trial, FewNamesAndSmallCountsAreNotTold) {
  const auto running = make({});
  const auto candidate = make({{"example.a.", {{0, kGambling}}}, {"example.b.", {{0, 9}}}});
  std::vector<std::string> asked(99, "example.a.");
  EXPECT_EQ(trial_of(asked).ask(*candidate, running.get(), ~0ULL)->blocked, 0U);
  asked.push_back("example.b.");
  const auto found = trial_of(asked).ask(*candidate, running.get(), ~0ULL);
  EXPECT_EQ(found->blocked, 100U);
  EXPECT_EQ(found->by_category, (std::map<std::uint8_t, std::uint64_t>{{kGambling, 95}}))
      << "that one name was asked for can be told";
}

TEST(Trial, WhatNoPolicyBlocksIsLeftAside) {
  policy::PolicySet set;
  set.policies.resize(3);
  set.policies[0].name = set.default_policy = "pupils";
  set.policies[0].blocked = policy::bit(kGambling);
  set.policies[0].hours = {{.schedule = 0, .categories = policy::bit(kVideo)}};
  set.policies[1].name = "of nobody";
  set.policies[1].blocked = policy::bit(9);
  set.policies[2].name = "teachers";
  set.policies[2].blocked = policy::bit(10);
  set.schedules = {{.name = "night"}};
  set.groups = {{.name = "staff", .policy = "teachers", .ports = {"inside"}}};
  const std::vector<std::string> ports = {"inside"};
  const auto groups = policy::GroupTable::build(set, ports);
  ASSERT_TRUE(groups);
  const policy::Timetable timetable(set, *groups);
  EXPECT_EQ(trial::blocked_at_some_time(set, *groups, timetable, 5),
            policy::bit(kGambling) | policy::bit(kVideo) | policy::bit(10));
}

}  // namespace
}  // namespace sluice::test

namespace sluice::pipeline {
namespace {

using trial::PassedName;
using trial::PassedNames;

class PassedTest : public PipelineCase {
 protected:
  void SetUp() override {
    policy::PolicySet set;
    set.policies.emplace_back();
    set.policies[0].name = set.default_policy = "pupils";
    set.policies[0].blocked = policy::bit(policy::find_category("gambling")->id);
    use(set);
    now_ms_ = 10'000;
  }
  void ask(const char* name) { run(test::frame(test::dns_query(name))); }
  [[nodiscard]] std::vector<PassedName> kept() const {
    std::vector<PassedName> out;
    pipeline_->passed().visit(PassedNames::kNames, [&](const auto& one) { out.push_back(one); });
    return out;
  }
};

TEST_F(PassedTest, OneIsKeptNowAndThen) {
  ask("www.school.org");
  ASSERT_EQ(kept().size(), 1U);
  EXPECT_EQ(kept()[0].labels, 3U);
  ask("other.school.org");
  EXPECT_EQ(kept().size(), 1U) << "at once";
  now_ms_ += 500;
  ask("other.school.org");
  EXPECT_EQ(kept().size(), 2U);
  EXPECT_EQ(kept()[0].suffixes[0], kept()[1].suffixes[0]);
  EXPECT_NE(kept()[0].suffixes[1], kept()[1].suffixes[1]);
}

TEST_F(PassedTest, WhatIsBlockedIsNot) {
  ask("www.gambler.example");
  EXPECT_TRUE(kept().empty());
  now_ms_ += 500;
  ask("www.permitted.example");
  EXPECT_EQ(kept().size(), 1U);
}

TEST_F(PassedTest, NoOctetsOfTheNameAreKept) {
  ask("wwwwwwww.secretive.org");
  ASSERT_EQ(kept().size(), 1U);
  const PassedName name = kept()[0];
  const std::string_view octets(reinterpret_cast<const char*>(&name), sizeof name);
  for (const char* part : {"secr", "wwww", "\x03org"}) {
    EXPECT_EQ(octets.find(part), std::string_view::npos) << part;
  }
}

}  // namespace
}  // namespace sluice::pipeline
