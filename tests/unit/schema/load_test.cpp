// What load() makes of good files, and the limits that no small file in bad/ can show.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <unistd.h>

#include "config/policy/group_table.h"
#include "config/schema/config.h"

namespace sluice::schema {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBase =
    "ports: {in: 'af_packet:eth1', out: 'af_packet:eth2'}\n"
    "pairs: {main: {inside: in, outside: out}}\n"
    "policies: {pupils: {block: defaults}}\n"
    "default_policy: pupils\n";

class Load : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("sluice-load-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& text) {
    fs::path file = folder_ / "test.yaml";
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }

  fs::path folder_;
};

TEST_F(Load, FillsEveryStruct) {
  const Loaded loaded = load(fs::path(SLUICE_SCHEMA_TESTS) / "good/everything.yaml");
  ASSERT_TRUE(loaded.config);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.site.name, "第七中学");
  EXPECT_EQ(config.site.profile, "home");
  EXPECT_EQ(config.site.contact, "110");
  ASSERT_EQ(config.ports.size(), 4U);
  EXPECT_EQ(config.ports[0].device, "pci:03:00.0");
  EXPECT_EQ(config.ports[0].mtu, 9000U);
  EXPECT_EQ(config.ports[1].mtu, 0U);
  ASSERT_EQ(config.pairs.size(), 2U);
  EXPECT_EQ(config.pairs[1].inside, "3");
  EXPECT_EQ(config.pairs[1].outside, "fourth");
  EXPECT_EQ(config.dataplane.workers, 2U);
  EXPECT_THAT(config.dataplane.cpus, testing::ElementsAre(2, 3));
  EXPECT_EQ(config.dataplane.huge_pages, HugePages::never);
  EXPECT_EQ(config.dataplane.fail, FailMode::closed);
  EXPECT_EQ(config.dataplane.idle_sleep_us, 0U);
  EXPECT_EQ(config.state_dir, "/srv/sluice");
  EXPECT_EQ(config.dataplane_socket(), "/tmp/run/dataplane.sock");
  EXPECT_EQ(config.keep_generations, 2U);
  EXPECT_FALSE(config.authority);

  const policy::PolicySet& set = config.policy;
  EXPECT_EQ(set.default_policy, "open");
  EXPECT_TRUE(set.answer.guardian);
  EXPECT_EQ(set.answer.dns, policy::DnsAnswer::address);
  EXPECT_EQ(set.answer.tls, policy::TlsRefusal::drop);
  ASSERT_TRUE(set.answer.page_ipv4);
  EXPECT_EQ((*set.answer.page_ipv4)[3], 80);
  ASSERT_TRUE(set.answer.page_ipv6);
  EXPECT_EQ((*set.answer.page_ipv6)[15], 0x80);
  ASSERT_EQ(set.groups.size(), 1U);
  const policy::Group& group = set.groups[0];
  EXPECT_EQ(group.policy, "pupils");
  EXPECT_EQ(group.prefixes.size(), 7U);
  EXPECT_EQ(group.macs.size(), 1U);
  ASSERT_EQ(group.vlans.size(), 3U);
  EXPECT_EQ(group.vlans[2].outer, 30);
  EXPECT_EQ(group.vlans[2].inner, 7);
  EXPECT_THAT(group.ports, testing::ElementsAre("in", "3"));
}

TEST_F(Load, DefaultsAreWhatIsBlockedForMinors) {
  const Loaded loaded = load(write(kBase));
  ASSERT_TRUE(loaded.config);
  const policy::CategoryMask blocked = loaded.config->policy.policies.at(0).blocked;
  for (const policy::Category& category : policy::taxonomy()) {
    EXPECT_EQ((blocked & policy::bit(category.id)) != 0,
              category.minors_default == policy::MinorsDefault::block)
        << category.name;
  }
}

TEST_F(Load, CuratedListsPresetsAndModes) {
  const Loaded loaded = load(write(
      "ports: {in: 'af_packet:eth1', out: 'af_packet:eth2'}\n"
      "pairs: {main: {inside: in, outside: out}}\n"
      "curated:\n"
      "  lessons: {names: [Learn.Example], needs: [cdn.example], except: [game.learn.example]}\n"
      "  exam: {names: [paper.example]}\n"
      "policies:\n"
      "  lesson: {only: {lists: [exam, lessons], categories: [social], without_name: pass}}\n"
      "  still: {only: {}}\n"
      "  young: youth\n"
      "modes: {study: lesson, youth: young}\n"
      "default_policy: young\n"));
  ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();
  const Config& config = *loaded.config;
  ASSERT_EQ(config.policy.curated.size(), 2U);
  EXPECT_THAT(config.policy.curated[0].names, testing::ElementsAre("learn.example"));
  EXPECT_THAT(config.policy.curated[0].except, testing::ElementsAre("game.learn.example"));
  const auto& only = config.policy.policies[0].only;
  ASSERT_TRUE(only);
  EXPECT_EQ(only->lists, 3U);
  EXPECT_FALSE(only->refuse_unnamed);
  ASSERT_TRUE(config.policy.policies[1].only);
  EXPECT_TRUE(config.policy.policies[1].only->refuse_unnamed);
  const policy::Policy& young = config.policy.policies[2];
  EXPECT_EQ(young.name, "young");
  EXPECT_EQ(young.hours.size(), 2U);
  EXPECT_TRUE(young.withhold_ech);
  ASSERT_EQ(config.policy.schedules.size(), 2U);
  EXPECT_EQ(config.times.schedules[1].name, "youth/night");

  EXPECT_EQ(policy_of_mode(config, "study").value(), "lesson");
  EXPECT_EQ(policy_of_mode(config, "still").value(), "still");
  EXPECT_EQ(policy_of_mode(config, "normal").value(), "");
  const auto none = policy_of_mode(config, "exam");
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().text().find("known are: normal, pause, study, youth"), std::string::npos)
      << none.error().text();

  const auto set = policy_at(config, 1'800'000'000,
                             {{.word = "pause", .group = "default", .until = 1'800'000'001},
                              {.word = "study", .group = "default", .until = 1'800'000'000},
                              {.word = "gone", .group = "default"}});
  ASSERT_TRUE(set);
  ASSERT_EQ(set->modes.size(), 1U);
  const auto pause = std::find_if(set->policies.begin(), set->policies.end(), [&](const auto& one) {
    return one.name == set->modes[0].policy;
  });
  ASSERT_NE(pause, set->policies.end());
  ASSERT_TRUE(pause->only);
  EXPECT_TRUE(policy::GroupTable::build(*set, {}));
}

TEST_F(Load, OtherAddressesTravelWithThePolicy) {
  const std::string text =
      "ports: {in: 'af_packet:eth1', out: 'af_packet:eth2'}\n"
      "pairs: {main: {inside: in, outside: out}}\n"
      "policies: {pupils: {}}\n"
      "default_policy: pupils\n";
  for (const auto& [more, follows] : {std::pair{"", true},
                                      {"other_addresses: follow\n", true},
                                      {"other_addresses: apart\n", false}}) {
    const Loaded loaded = load(write(text + more));
    ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();
    EXPECT_EQ(loaded.config->policy.follow_addresses, follows);
    EXPECT_EQ(policy::from_json(policy::to_json(loaded.config->policy))->follow_addresses, follows);
  }
  EXPECT_FALSE(load(write(text + "other_addresses: both\n")).config);
}

TEST_F(Load, BudgetsAndTheDaysThatTheyBeginOn) {
  const Loaded loaded = load(write(
      "ports: {in: 'af_packet:eth1', out: 'af_packet:eth2'}\n"
      "pairs: {main: {inside: in, outside: out}}\n"
      "calendar: {time_zone: Europe/Berlin, day_begins: \"02:00\"}\n"
      "budgets: {play: {categories: [games], minutes_a_day: 60}, tv: {categories: [video, live], "
      "minutes_a_week: 90, warn_at: 3}}\n"
      "devices_by: address\n"
      "policies: {pupils: {budgets: [tv]}}\n"
      "default_policy: pupils\n"));
  ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();
  constexpr std::int64_t kFriday = 1'806'624'000;  // 2 April 2027
  const auto set = policy_at(*loaded.config, kFriday);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->policies[0].budgets, 2U);
  EXPECT_EQ(set->budgets[1].warn_at, 3U);
  EXPECT_TRUE(set->devices_by_address);
  EXPECT_TRUE(next_policy_at(*loaded.config, kFriday));
  const auto is_day = [&](std::int64_t moment) {
    return std::binary_search(set->budget_days.begin(), set->budget_days.end(), moment);
  };
  const auto berlin = [](const char* text) {
    return calendar::parse_moment(text, "Europe/Berlin").value();
  };
  EXPECT_TRUE(is_day(berlin("2027-04-02T02:00")));
  EXPECT_TRUE(is_day(berlin("2027-10-31T02:00")));  // whose 02:00 comes twice
  // 02:00 is leapt over on 26 March 2028.
  EXPECT_TRUE(is_day(berlin("2028-03-26T03:00")));
  for (std::size_t i = 1; i < set->budget_days.size(); ++i) {
    const std::int64_t hours = (set->budget_days[i] - set->budget_days[i - 1]) / 3600;
    EXPECT_TRUE(hours >= 23 && hours <= 25) << i;
  }
  EXPECT_EQ(set->budget_weeks.at(1) - set->budget_weeks.at(0), 7 * 86400);
  EXPECT_TRUE(std::binary_search(set->budget_weeks.begin(), set->budget_weeks.end(),
                                 berlin("2027-04-05T02:00")));
}

TEST_F(Load, ADayOfBudgetsBeginsOnceWhereTheClockShowsItTwice) {
  const auto days_of = [&](const std::string& zone, const std::string& begins) {
    const Loaded loaded =
        load(write(std::string(kBase) + "calendar: {time_zone: " + zone + ", day_begins: \"" +
                   begins + "\"}\nbudgets: {play: {categories: [games], minutes_a_day: 1}}\n"));
    return policy_at(loaded.config.value(), 1'790'000'000).value().budget_days;  // autumn of 2026
  };
  for (const auto& [zone, begins] : {std::pair{"Europe/Berlin", "02:30"},
                                     {"America/New_York", "01:59"},
                                     {"Australia/Lord_Howe", "01:45"},
                                     {"Africa/Cairo", "23:30"}}) {
    const auto days = days_of(zone, begins);
    ASSERT_GT(days.size(), 400U) << zone;
    for (std::size_t i = 1; i < days.size(); ++i) {
      const std::int64_t minutes = (days[i] - days[i - 1]) / 60;
      EXPECT_TRUE(minutes >= 23 * 60 && minutes <= 25 * 60) << zone << " " << days[i];
    }
  }
}

TEST_F(Load, MissingFilesMatterOnlyToWhoReadsThem) {
  const fs::path file = write(std::string(kBase) +
                              "authority: {url: 'https://lists.example/', root: /nonexistent}\n");
  EXPECT_FALSE(load(file).config);
  const Loaded loaded = load(file, References::unchecked);
  ASSERT_TRUE(loaded.config);
  ASSERT_TRUE(loaded.config->authority);
  EXPECT_EQ(loaded.config->authority->root, "/nonexistent");
}

TEST_F(Load, FileUrlIsForOfflineRepositories) {
  const fs::path root = folder_ / "root.json";
  std::ofstream(root) << "{}";
  const Loaded loaded =
      load(write(std::string(kBase) +
                 "authority: {url: 'file:///media/repo', root: " + root.string() + "}\n"));
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(loaded.config->authority->url, "file:///media/repo");
}

TEST_F(Load, NoFileAndNoReadableFile) {
  const Loaded none = load(folder_ / "none.yaml");
  ASSERT_EQ(none.faults.size(), 1U);
  EXPECT_EQ(none.faults[0].text(), (folder_ / "none.yaml").string() +
                                       ": cannot be read: No such file or directory; check the "
                                       "path and its permissions");
  const Loaded folder = load(folder_);
  ASSERT_EQ(folder.faults.size(), 1U);
  EXPECT_EQ(folder.faults[0].what, "is a directory");
}

TEST_F(Load, RefusesAFileOfMoreThan16Mebibytes) {
  std::string text = kBase;
  text.resize(std::size_t{16} << 20, '#');
  EXPECT_TRUE(load(write(text)).config);
  text += '#';
  const Loaded loaded = load(write(text));
  ASSERT_EQ(loaded.faults.size(), 1U);
  EXPECT_EQ(loaded.faults[0].what, "is larger than 16 MiB");
}

TEST_F(Load, TellsOfTheFirstHundredFaults) {
  std::string text = kBase;
  for (int i = 0; i < 100; ++i) text += "unknown_" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(load(write(text)).faults.size(), 100U);
  const Loaded more = load(write(text + "unknown_100: 1\n"));
  ASSERT_EQ(more.faults.size(), 101U);
  EXPECT_EQ(more.faults[99].path, "unknown_99");
  EXPECT_EQ(more.faults[100].text(), (folder_ / "test.yaml").string() +
                                         ": has more than 100 faults; mend these first; is it "
                                         "this file?");
}

// Each of these is as large as a file may be; none may exhaust the stack, nor the person with as
// many faults as it has lines. A piece that takes for ever meets the bound that ctest sets.
TEST_F(Load, SurvivesBombs) {
  const auto repeat = [](std::string_view piece) {
    std::string out;
    while (out.size() + piece.size() < (std::size_t{1} << 20)) out += piece;
    return out;
  };
  for (const std::string_view piece : {"[", "{", "{a: ", "- ", "a: [\n", "? ", "&a [", "*a ", "'",
                                       "---\n", "x: 1\n", "!a ", "|\n", "]", "- [\n"}) {
    const Loaded loaded = load(write(repeat(piece)));
    EXPECT_FALSE(loaded.config) << piece;
    EXPECT_FALSE(loaded.faults.empty()) << piece;
    EXPECT_LE(loaded.faults.size(), 101U) << piece;
  }
}

/// docs/CONFIGURATION.md holds the reference between two marks. SLUICE_UPDATE=1 writes it anew.
TEST(Reference, StandsInTheDocumentation) {
  constexpr std::string_view kBegin = "<!-- keys: begin -->\n";
  constexpr std::string_view kEnd = "<!-- keys: end -->\n";
  const fs::path page = fs::path(SLUICE_SCHEMA_TESTS) / "../../../docs/CONFIGURATION.md";
  std::ifstream stream(page);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::size_t start = begin + kBegin.size();
  if (std::getenv("SLUICE_UPDATE") != nullptr) {
    std::ofstream(page) << text.replace(start, end - start, key_reference());
    return;
  }
  EXPECT_EQ(text.substr(start, end - start), key_reference())
      << "run the unit tests once with SLUICE_UPDATE=1 in the environment";
}

}  // namespace
}  // namespace sluice::schema
