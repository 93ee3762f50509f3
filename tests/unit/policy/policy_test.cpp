#include "config/policy/policy.h"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

CategoryMask mask(std::string_view name) { return bit(find_category(name)->id); }

TEST(Taxonomy, IdsFitAMaskAndSeveritiesAreDistinct) {
  CategoryMask seen = 0;
  std::array<int, 256> severities{};
  for (const Category& category : taxonomy()) {
    EXPECT_LT(category.id, 64);
    EXPECT_EQ(seen & bit(category.id), 0U);
    seen |= bit(category.id);
    EXPECT_EQ(severities[category.severity]++, 0) << category.name;
    EXPECT_EQ(find_category(category.name), find_category(category.id));
  }
  EXPECT_EQ(mandatory_categories(), mask("terror"));
  EXPECT_EQ(nearest_category("gamblign")->name, "gambling");
  EXPECT_EQ(nearest_category("zzzzzzzzzz"), nullptr);
}

struct DecideCase {
  std::string_view what;
  generation::Answer answer;
  CategoryMask blocked;
  CategoryMask watched;
  Verdict verdict;
};

TEST(Decide, TakesTheRulesInOrder) {
  const CategoryMask games = mask("games");
  const CategoryMask terror = mask("terror");
  const CategoryMask porn = mask("pornography");
  const std::vector<DecideCase> cases = {
      {"nothing listed", {}, ~0ULL, 0, {Action::pass, Reason::not_listed, 0}},
      {"protected wins over all",
       {.categories = terror, .is_protected = true, .emergency = true},
       ~0ULL,
       0,
       {Action::pass, Reason::is_protected, 0}},
      {"mandatory for every group",
       {.categories = terror | games, .local_allow = true},
       0,
       0,
       {Action::block, Reason::mandatory, 4}},
      {"emergency for every group",
       {.categories = games, .emergency = true, .local_allow = true},
       0,
       0,
       {Action::block, Reason::emergency, 18}},
      {"site allow overrules",
       {.categories = porn, .local_allow = true},
       porn,
       0,
       {Action::pass, Reason::site_allow, 1}},
      {"the group's category",
       {.categories = games | porn},
       games | porn,
       0,
       {Action::block, Reason::category, 1}},
      {"only what the group blocks is named",
       {.categories = games | porn},
       games,
       0,
       {Action::block, Reason::category, 18}},
      {"watched", {.categories = games}, porn, games, {Action::log, Reason::watched, 18}},
      {"listed, not blocked",
       {.categories = games},
       porn,
       0,
       {Action::pass, Reason::listed_only, 18}},
  };
  for (const DecideCase& c : cases) {
    const Verdict verdict = decide(c.answer, c.blocked, c.watched);
    EXPECT_EQ(verdict.action, c.verdict.action) << c.what;
    EXPECT_EQ(verdict.reason, c.verdict.reason) << c.what;
    EXPECT_EQ(verdict.category, c.verdict.category) << c.what;
  }
}

TEST(PolicyJson, RoundTripsAndRefusesWhatItDoesNotKnow) {
  PolicySet set;
  set.policies = {{"pupils", mask("games") | mask("terror"), mask("video")}};
  set.groups = {
      {.name = "class-1",
       .policy = "pupils",
       .macs = {parse_mac("02:00:5e:10:00:01").value()},
       .prefixes = {parse_prefix("192.0.2.0/24").value(), parse_prefix("2001:db8::/32").value()},
       .vlans = {{100, 7}},
       .ports = {"lan"}}};
  set.default_policy = "pupils";
  set.answer.page_ipv4 = {192, 0, 2, 80};
  set.answer.dns = DnsAnswer::address;
  const std::string json = to_json(set);
  const auto back = from_json(json);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->groups[0].vlans[0].inner, 7);

  for (const std::string_view bad :
       {"", "[]", R"({"policies":[{"name":"a","block":["no-such"]}]})",
        R"({"policies":[{"name":7}]})", R"({"groups":[{"name":"g","prefixes":["10.0.0.1/8"]}]})",
        R"({"answer":{"ttl_seconds":3600}})", R"({"groups":{}})"}) {
    EXPECT_FALSE(from_json(bad)) << bad;
  }
}

TEST(Address, PrefixesAndMacs) {
  EXPECT_EQ(text(parse_prefix("10.0.0.0/8").value()), "10.0.0.0/8");
  EXPECT_EQ(text(parse_prefix("2001:db8::1").value()), "2001:db8::1/128");
  EXPECT_NE(parse_prefix("10.0.0.1/8").error().text().find("10.0.0.0/8"), std::string::npos);
  for (const std::string_view bad : {"10.0.0/8", "10.0.0.0/33", "10.0.0.0/", "::/129", "a/8", ""}) {
    EXPECT_FALSE(parse_prefix(bad)) << bad;
  }
  EXPECT_EQ(text(parse_mac("02:00:5E:10:00:ff").value()), "02:00:5e:10:00:ff");
  for (const std::string_view bad : {"02:00:5e:10:00", "02:00:5e:10:00:0g", "2:0:5e:10:0:1",
                                     "02:00:5e:10:00:01:02", "02-00-5e-10-00-01", ""}) {
    EXPECT_FALSE(parse_mac(bad)) << bad;
  }
}

}  // namespace
}  // namespace sluice::policy
