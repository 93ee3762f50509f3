// How much room the owners of layers have, beside each other, the site and the authority.
#include "tests/unit/schema/layer_files.h"

namespace sluice::schema {
namespace {

// What one owner writes takes no room from another one, nor from the authority.
TEST_F(LayerFiles, NobodyTakesAnothersRoom) {
  const auto many = [](const char* what, int count, const char* each) {
    std::string out = std::string(what) + ": {";
    for (int i = 0; i < count; ++i) out += "n" + std::to_string(i) + ": " + each + ", ";
    return out + "}\n";
  };
  std::string many_names = "a0.example";
  for (int i = 1; i < 60'000; ++i) many_names += ",a" + std::to_string(i) + ".example";
  const std::string wu =
      "block: [social]\n"
      "curated: {class: {names: [class.example]}}\n"
      "budgets: {games: {categories: [games], minutes_a_day: 30}}\n";
  put("wu.yaml", wu);
  put("state/layers/li.yaml", "block: [games]\n");
  const std::string both = "layers: {li: {file: " + path("li.yaml") +
                           ", owner: Ms Li, groups: [class-7c]}, wu: {file: " + path("wu.yaml") +
                           ", owner: Mr Wu, groups: [class-7b]}}\n";
  for (const auto& [text, told] : std::vector<std::pair<std::string, std::string>>{
           {many("curated", 47, "{names: [a.example]}"), ":1:10: curated: "},
           {many("budgets", 23, "{categories: [video], minutes_a_day: 9}"), ":1:10: budgets: "},
           {"curated: {own: {names: [" + many_names + "]}}\n", ":1:11: curated.own: makes more"}}) {
    put("li.yaml", text);
    Loaded loaded = load_site(both);
    ASSERT_TRUE(loaded.config);
    ASSERT_EQ(loaded.layer_faults.size(), 1U);
    EXPECT_NE(loaded.layer_faults[0].text().find(path("li.yaml") + told), std::string::npos)
        << loaded.layer_faults[0].text();
    EXPECT_NE(blocked(*loaded.config, 107, kMorning) & category("social"), 0U);
    const auto faults = add_signed_layers(
        "city: {owner: City, curated: {own: {names: [city.example]}}, only: {lists: [own]}, "
        "budgets: {live: {categories: [live], minutes_a_day: 30}}}\n",
        "policy/layers.yaml", *loaded.config);
    EXPECT_TRUE(faults.empty()) << faults[0].text();
  }
}

// Nor does the site, which is told so by its own check.
TEST_F(LayerFiles, TheSiteLeavesRoomForTheAuthority) {
  const auto site = [&](int lists, int budgets) {
    std::string text =
        "ports: {in: 'af_packet:eth1', out: 'af_packet:eth2'}\n"
        "pairs: {main: {inside: in, outside: out}}\n"
        "policies: {pupils: {block: [gambling]}}\n"
        "default_policy: pupils\n"
        "curated: {";
    for (int i = 0; i < lists; ++i) text += "l" + std::to_string(i) + ": {names: [a.example]}, ";
    text += "}\nbudgets: {";
    for (int i = 0; i < budgets; ++i) {
      text += "b" + std::to_string(i) + ": {categories: [games], minutes_a_day: 5}, ";
    }
    put("sluice.yaml", text + "}\nstate_dir: " + path("state") + "\n");
    return load(folder_ / "sluice.yaml");
  };
  std::string signed_layers =
      "city: {owner: City, only: {lists: [n0]}, "
      "curated: {";
  for (int i = 0; i < 16; ++i)
    signed_layers += "n" + std::to_string(i) + ": {names: [b.example]}, ";
  signed_layers += "}, budgets: {";
  for (int i = 0; i < 8; ++i) {
    signed_layers += "n" + std::to_string(i) + ": {categories: [games], minutes_a_day: 9}, ";
  }
  signed_layers += "}}\n";
  Loaded most = site(48, 24);
  ASSERT_TRUE(most.config) << most.faults.at(0).text();
  auto faults = add_signed_layers(signed_layers, "policy/layers.yaml", *most.config);
  ASSERT_TRUE(faults.empty()) << faults[0].text();
  EXPECT_EQ(most.config->policy.curated.size(), 64U);
  EXPECT_EQ(most.config->policy.budgets.size(), 32U);
  EXPECT_TRUE(policy::from_json(policy::to_json(policy_at(*most.config, 1'796'000'000).value())));
  EXPECT_NE(site(49, 0).faults.at(0).text().find(":5:10: curated: "), std::string::npos)
      << site(49, 0).faults.at(0).text();
  EXPECT_NE(site(0, 25).faults.at(0).text().find(":6:10: budgets: "), std::string::npos);
  // What the authority signs has no more than its part, however little the site has.
  Config empty;
  faults = add_signed_layers(
      signed_layers + "province: {owner: Province, curated: {own: {names: [c.example]}}}\n",
      "policy/layers.yaml", empty);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].text().find("province.curated: makes 1 curated lists, and there is room for"),
            std::string::npos)
      << faults[0].text();
}

// What was good once, when there was room for more, takes no more than its owner's part.
TEST_F(LayerFiles, WhatIsKeptTakesNoMoreThanItsPart) {
  std::string many = "only: {lists: [n0, n39]}\ncurated: {";
  for (int i = 0; i < 40; ++i) many += "n" + std::to_string(i) + ": {names: [a.example]}, ";
  many += "}\nbudgets: {";
  for (int i = 0; i < 20; ++i) {
    many += "n" + std::to_string(i) + ": {categories: [" + (i == 19 ? "live" : "video") +
            "], minutes_a_day: 9}, ";
  }
  many += "}\n";
  put("state/layers/li.yaml", many);
  put("li.yaml", many);
  put("wu.yaml", "block: [social]\n");
  const Loaded loaded = load_site("layers: {li: {file: " + path("li.yaml") +
                                  ", owner: Ms Li, groups: all}, wu: {file: " + path("wu.yaml") +
                                  ", owner: Mr Wu, groups: all}}\n");
  ASSERT_TRUE(loaded.config);
  ASSERT_FALSE(loaded.layer_faults.empty());
  const policy::PolicySet& set = loaded.config->policy;
  EXPECT_EQ(set.curated.size(), 1U + 23U);
  EXPECT_EQ(set.budgets.size(), 1U + 11U);
  const policy::Policy& li = set.policies.at(1);
  EXPECT_EQ(li.only->lists, 0b10U);  // the last one has no room, and lets nothing through
  EXPECT_NE(li.blocked & category("live"), 0U);
}

}  // namespace
}  // namespace sluice::schema
