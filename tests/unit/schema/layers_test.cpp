// Files of other owners than the site, and what the authority has signed.
#include <algorithm>
#include <chrono>
#include <sys/stat.h>

#include "tests/unit/schema/layer_files.h"

namespace sluice::schema {
namespace {

TEST_F(LayerFiles, RefuseMoreToWhomTheyWereGiven) {
  put("li.yaml",
      "block: [social]\n"
      "schedules: {bed: [{days: [every-day], from: \"22:00\", until: \"06:00\"}, "
      "{days: [exams]}]}\n"
      "hours:\n"
      "  - {categories: [games], not_during: bed}\n"
      "  - {categories: [live], not_during: lessons}\n"
      "budgets: [video]\n"
      "only: {lists: [books]}\n"
      "safe_search: strict\n");
  const Loaded loaded = load_site(layers());
  ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();
  ASSERT_TRUE(loaded.layer_faults.empty()) << loaded.layer_faults[0].text();
  const Config& config = *loaded.config;
  EXPECT_EQ(blocked(config, 107, kEvening),
            category("gambling") | category("social") | category("games"));
  EXPECT_EQ(blocked(config, 107, kMorning),
            category("gambling") | category("social") | category("live"));
  EXPECT_EQ(blocked(config, 107, "2027-01-12T18:00") & category("games"), category("games"));
  EXPECT_EQ(blocked(config, 108, kEvening), category("gambling"));
  ASSERT_EQ(config.layers.size(), 1U);
  EXPECT_EQ(config.layers[0].owner, "Ms Li");
  EXPECT_FALSE(config.policy.engines.empty());
  EXPECT_EQ(config.policy.policies.back().budgets, 1U);
  EXPECT_EQ(config.policy.policies.back().only->lists, 1U);
  EXPECT_TRUE(policy::from_json(policy::to_json(policy_at(config, 1'796'000'000).value())));
}

TEST_F(LayerFiles, MayBeForTheDevicesOfNoGroup) {
  put("li.yaml", "block: [social]\n");
  const Loaded loaded =
      load_site("layers: {li: {file: " + path("li.yaml") + ", owner: Ms Li, groups: [default]}}\n");
  ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();
  const auto of = [&](std::uint16_t vlan) {
    return blocked(*loaded.config, vlan, kMorning) & category("social");
  };
  EXPECT_EQ(of(4000), category("social"));
  EXPECT_EQ(of(107), 0U);
}

TEST_F(LayerFiles, HaveListsAndBudgetsOfTheirOwn) {
  put("li.yaml",
      "curated: {class: {names: [class.example], needs: [cdn.example], except: "
      "[game.class.example]}}\n"
      "only: {lists: [class, books]}\n"
      "budgets: {games: {categories: [games], minutes_a_day: 30, warn_at: 5}}\n");
  put("wu.yaml", "curated: {class: {names: [other.example]}}\nonly: {lists: [class]}\n");
  const std::string wu =
      "  wu: {file: " + path("wu.yaml") + ", owner: Mr Wu, groups: [class-7c]}\n";
  const Loaded loaded = load_site("layers:\n  li: {file: " + path("li.yaml") +
                                  ", owner: Ms Li, groups: [class-7b]}\n" + wu);
  ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();
  ASSERT_TRUE(loaded.layer_faults.empty()) << loaded.layer_faults[0].text();
  const policy::PolicySet& set = loaded.config->policy;
  ASSERT_EQ(set.curated.size(), 3U);
  EXPECT_EQ(set.curated[1].name, "layer/li/class");
  EXPECT_EQ(set.curated[2].name, "layer/wu/class");
  EXPECT_EQ(set.policies[1].only->lists, 0b011U);
  EXPECT_EQ(set.policies[2].only->lists, 0b100U);
  ASSERT_EQ(set.budgets.size(), 2U);
  EXPECT_EQ(set.budgets[1].name, "layer/li/games");
  EXPECT_EQ(set.budgets[1].warn_at, 5U);
  EXPECT_EQ(set.policies[1].budgets, 0b10U);
  EXPECT_TRUE(policy::from_json(policy::to_json(policy_at(*loaded.config, 1'796'000'000).value())));
}

TEST_F(LayerFiles, FaultsOfListsAndBudgetsAreToldAtTheirPlace) {
  const auto fault = [&](const std::string& text) {
    put("li.yaml", text);
    const Loaded loaded = load_site(layers());
    return loaded.layer_faults.empty() ? std::string() : loaded.layer_faults[0].text();
  };
  const std::string file = path("li.yaml");
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"curated: {books: {names: [a.example]}}\n",
            ":1:11: curated.books: the site has a curated list of this name"},
           {"curated: {own: {names: [a..b]}}\n", ":1:25: curated.own.names[0]: "},
           {"curated: {own: {names: [a.example], except: [b.example]}}\n",
            ":1:46: curated.own.except[0]: 'b.example' is below no name of the list"},
           {"only: {lists: [own]}\n", ":1:16: only.lists[0]: no curated list is named 'own'"},
           {"budgets: {video: {categories: [games], minutes_a_day: 5}}\n",
            ":1:11: budgets.video: the site has a budget of this name"},
           {"budgets: {own: {categories: [games]}}\n", ":1:11: budgets.own: has no limit"},
           {"budgets: {own: {categories: [gams], minutes_a_day: 5}}\n",
            ":1:30: budgets.own.categories[0]: "},
           {"budgets: 30\n", ":1:10: budgets: is "}}) {
    EXPECT_NE(fault(text).find(file + expected), std::string::npos) << text << fault(text);
  }
  std::string budgets = "budgets: {";
  std::string lists = "curated: {";
  for (int i = 0; i < 48; ++i) {
    const std::string name = "n" + std::to_string(i);
    if (i < 24) budgets += name + ": {categories: [games], minutes_a_day: 5}, ";
    lists += name + ": {names: [a.example]}, ";
  }
  EXPECT_NE(fault(budgets + "}\n").find("makes 24 budgets, and there is room for 23"),
            std::string::npos);
  EXPECT_NE(fault(lists + "}\n").find("makes 48 curated lists, and there is room for 47"),
            std::string::npos);
}

// So that one that is written right after it was read is read again.
TEST_F(LayerFiles, AreStampedBeforeTheyAreRead) {
  put("li.yaml", "block: [social]\n");
  const Loaded loaded = load_site(layers());
  ASSERT_TRUE(loaded.config);
  EXPECT_EQ(layer_stamps(loaded.config->layer_files), loaded.config->layer_stamps);
  put("new.yaml", "block: [games]\n");
  fs::rename(folder_ / "new.yaml", folder_ / "li.yaml");
  EXPECT_NE(layer_stamps(loaded.config->layer_files), loaded.config->layer_stamps);
  EXPECT_EQ(loaded.config->layer_names, (std::vector<std::string>{"li"}));
  // One that cannot be read is stamped as well.
  fs::remove(folder_ / "li.yaml");
  const Loaded without = load_site(layers());
  EXPECT_EQ(without.config->layer_names, (std::vector<std::string>{"li"}));
  EXPECT_EQ(layer_stamps(without.config->layer_files), without.config->layer_stamps);
  put("li.yaml", "block: [games]\n");
  EXPECT_NE(layer_stamps(without.config->layer_files), without.config->layer_stamps);
}

TEST_F(LayerFiles, OfAllHoldForDevicesOfNoGroup) {
  put("li.yaml", "block: [social]\n");
  const Loaded loaded = load_site(layers("all"));
  ASSERT_TRUE(loaded.config);
  EXPECT_NE(blocked(*loaded.config, 0, kEvening) & category("social"), 0U);
}

TEST_F(LayerFiles, FaultsAreToldAtTheirPlaceInTheirFile) {
  put("li.yaml",
      "block: [soical]\n"
      "under: pupils\n"
      "when_time_unknown: pass\n"
      "hours:\n"
      "  - {categories: [games], not_during: bad}\n"
      "schedules: {lessons: [{days: [mondays]}]}\n"
      "only: {lists: [papers]}\n"
      "budgets: [games]\n");
  const Loaded loaded = load_site(layers());
  ASSERT_TRUE(loaded.config) << loaded.faults.at(0).text();  // the site's own file is good
  EXPECT_TRUE(loaded.config->layers.empty());
  std::string all;
  for (const Fault& fault : loaded.layer_faults) all += fault.text() + "\n";
  const std::string file = path("li.yaml");
  for (const char* expected :
       {":1:9: block[0]: ", ":2:1: under: ", ":3:1: when_time_unknown: ",
        ":5:39: hours[0].not_during: no schedule is named 'bad'",
        ":6:13: schedules.lessons: the site has a schedule of this name",
        ":6:31: schedules.lessons[0].days[0]: ", ":7:16: only.lists[0]: ", ":8:11: budgets[0]: "}) {
    EXPECT_NE(all.find(file + expected), std::string::npos) << expected << "\n" << all;
  }
  EXPECT_NE(all.find("the layer is not in force"), std::string::npos);
}

TEST_F(LayerFiles, WhoSpoilsHisFileDoesNotLiftWhatItSaid) {
  put("li.yaml", "block: [nothing-like-that]\n");
  put("state/layers/li.yaml", "block: [social]\n");
  for (const bool gone : {false, true}) {
    if (gone) fs::remove(folder_ / "li.yaml");
    const Loaded loaded = load_site(layers());
    ASSERT_TRUE(loaded.config);
    ASSERT_FALSE(loaded.layer_faults.empty());
    EXPECT_NE(loaded.layer_faults[0].text().find("what the file said before counts"),
              std::string::npos);
    EXPECT_EQ(blocked(*loaded.config, 107, kEvening), category("gambling") | category("social"));
    EXPECT_EQ(loaded.config->layers.at(0).text, "block: [social]\n");
  }
}

// The site lifts a layer only by taking the file from its owner: where it takes a name or a
// schedule away, or has one of the same name, the rest of what was good stays.
TEST_F(LayerFiles, WhatTheSiteChangesLiftsNothingOfALayer) {
  const std::string text =
      "block: [social]\n"
      "curated: {books: {names: [class.example]}, mine: {names: [mine.example]}}\n"
      "only: {lists: [mine, papers]}\n"
      "schedules: {lessons: [{days: [every-day], from: \"22:00\", until: \"06:00\"}]}\n"
      "hours:\n"
      "  - {categories: [games], not_during: lessons}\n"
      "  - {categories: [live], not_during: gone}\n"
      "budgets: {video: {categories: [video], minutes_a_day: 9}}\n";
  put("li.yaml", text);
  put("state/layers/li.yaml", text);
  const Loaded loaded = load_site(layers());
  ASSERT_TRUE(loaded.config);
  ASSERT_FALSE(loaded.layer_faults.empty());
  EXPECT_NE(loaded.layer_faults[0].text().find("what can be kept of it"), std::string::npos)
      << loaded.layer_faults[0].text();
  ASSERT_EQ(loaded.config->layers.size(), 1U);
  EXPECT_EQ(loaded.config->layers[0].text, text);
  const auto always = category("gambling") | category("social") | category("live");
  EXPECT_EQ(blocked(*loaded.config, 107, kEvening), always | category("games"));
  EXPECT_EQ(blocked(*loaded.config, 107, kMorning), always);
  const policy::PolicySet& set = loaded.config->policy;
  const policy::Policy& own = set.policies.back();
  ASSERT_EQ(set.curated.size(), 3U);
  EXPECT_EQ(own.only->lists, 0b100U);
  ASSERT_EQ(set.budgets.size(), 2U);
  EXPECT_EQ(own.budgets, 0b10U);
  EXPECT_TRUE(policy::from_json(policy::to_json(policy_at(*loaded.config, 1'796'000'000).value())));
}

TEST_F(LayerFiles, WhatIsNoFileIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(path("li.yaml").c_str(), 0600), 0);
  const Loaded loaded = load_site(layers());
  ASSERT_TRUE(loaded.config);
  ASSERT_EQ(loaded.layer_faults.size(), 1U);
  EXPECT_EQ(loaded.layer_faults[0].what, "is no regular file");
  fs::remove(folder_ / "li.yaml");
  put("li.yaml", "# " + std::string(2 << 20, 'x'));
  EXPECT_EQ(load_site(layers()).layer_faults.at(0).what, "is larger than 1 MiB");
}

// Whoever owns a layer could stop sluice-control by it: counted from the line's beginning for each
// word, this took minutes.
TEST_F(LayerFiles, OneLongLineIsReadAtOnce) {
  std::string text = "block: [gambling";
  while (text.size() < (1U << 20) - 64) text += ",a";
  put("li.yaml", text + "]\n");
  const auto begin = std::chrono::steady_clock::now();
  const Loaded loaded = load_site(layers());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
  ASSERT_FALSE(loaded.layer_faults.empty());
  EXPECT_NE(loaded.layer_faults[0].text().find(":1:18: block[1]: "), std::string::npos)
      << loaded.layer_faults[0].text();
}

TEST_F(LayerFiles, TheSitesOwnWordsAreChecked) {
  put("li.yaml", "block: [social]\n");
  const auto fault = [&](const std::string& text) {
    const Loaded loaded = load_site(text);
    return loaded.faults.empty() ? std::string() : loaded.faults[0].text();
  };
  EXPECT_NE(fault(layers("[class-7d]")).find("no group is named 'class-7d'"), std::string::npos);
  EXPECT_NE(fault(layers("[]")).find("names no group"), std::string::npos);
  EXPECT_NE(fault("layers: {li: {owner: Ms Li, groups: all}}\n").find("file"), std::string::npos);
  EXPECT_NE(fault("layers: {li: {file: li.yaml, owner: x, groups: all}}\n").find("absolute"),
            std::string::npos);
}

TEST_F(LayerFiles, WhatTheAuthoritySignedHoldsForEverybody) {
  Config config = *load_site("").config;
  const auto faults = add_signed_layers(
      "province:\n"
      "  owner: Education Department\n"
      "  block: [superstition]\n"
      "  schedules: {night: [{days: [every-day], from: \"22:00\", until: \"06:00\"}]}\n"
      "  hours: [{categories: [games], not_during: night, at_boundary: cut}]\n"
      "city: {owner: City, encrypted_dns_ports: refuse}\n",
      "policy/layers.yaml", config);
  ASSERT_TRUE(faults.empty()) << faults[0].text();
  EXPECT_EQ(blocked(config, 107, kMorning), category("gambling") | category("superstition"));
  EXPECT_EQ(blocked(config, 0, kEvening),
            category("gambling") | category("superstition") | category("games"));
  ASSERT_EQ(config.policy.layers.size(), 2U);
  EXPECT_EQ(config.policy.layers[0].owner, "Education Department");
  EXPECT_TRUE(config.policy.layers[0].everybody);
}

TEST_F(LayerFiles, WhatTheAuthoritySignedHasListsAndBudgetsOfItsOwn) {
  Config config = *load_site("").config;
  const auto faults = add_signed_layers(
      "province:\n"
      "  owner: Education Department\n"
      "  curated: {books: {names: [edu.example]}}\n"  // the site has one of this name, which it is
                                                      // not
      "  only: {lists: [books], without_name: pass}\n"
      "  budgets: {video: {categories: [live], minutes_a_week: 60}}\n",
      "policy/layers.yaml", config);
  ASSERT_TRUE(faults.empty()) << faults[0].text();
  EXPECT_EQ(config.policy.curated.back().name, "signed/province/books");
  EXPECT_EQ(config.policy.budgets.back().name, "signed/province/video");
  EXPECT_EQ(config.policy.policies.back().budgets, 0b10U);
}

TEST_F(LayerFiles, WhatTheAuthoritySignedNamesNothingOfTheSites) {
  const auto text = [](const std::string& layer) {
    Config config;
    const auto faults = add_signed_layers(layer, "policy/layers.yaml", config);
    return faults.empty() ? std::string() : faults[0].text();
  };
  EXPECT_EQ(text("a: {owner: A, block: [social]}\n"), "");
  EXPECT_NE(text("a: {block: [social]}\n").find("policy/layers.yaml:1:4: a.owner: "),
            std::string::npos);
  EXPECT_NE(text("a: {owner: A, hours: [{categories: [games], not_during: lessons}]}\n")
                .find("policy/layers.yaml:1:57: a.hours[0].not_during: no schedule"),
            std::string::npos);
  EXPECT_NE(text("a: {owner: A, only: {lists: [books]}}\n").find("a.only.lists[0]"),
            std::string::npos);
  EXPECT_NE(text("a: {owner: A, budgets: [video]}\n").find("a.budgets[0]"), std::string::npos);
}

}  // namespace
}  // namespace sluice::schema
