// The policy document of a generation that another version of the program made: what would be less
// than it said is refused, and told.
#include <gtest/gtest.h>

#include "config/policy/policy.h"

namespace sluice::policy {
namespace {

CategoryMask mask(std::string_view name) { return bit(find_category(name)->id); }

PolicySet make_set() {
  PolicySet set;
  set.curated = {{"books", {"library.example"}, {}, {}}};
  set.budgets = {{"video", mask("video"), 60, 0, 10}};
  set.schedules = {{"night", false, {1000, 2000}}};
  set.schedules_until = 3000;
  set.engines = {{"find", {"find.example"}, "safe.find.example", ""}};
  set.policies = {{.name = "pupils",
                   .blocked = mask("games"),
                   .hours = {{.categories = mask("live")}},
                   .only = Only{.lists = 1, .categories = mask("novels")},
                   .budgets = 1,
                   .safe_search = SafeSearch::strict}};
  set.groups = {{.name = "7b", .policy = "pupils", .macs = {}, .prefixes = {}, .vlans = {{7, 0}}}};
  set.layers = {{"pupils", "City", true, {}}};
  set.modes = {{.word = "pause", .group = "7b", .policy = "pupils", .until = 5}};
  set.default_policy = "pupils";
  return set;
}

/// The document with one thing changed; fails where that is not in it.
std::string with(std::string document, std::string_view what, std::string_view instead) {
  const std::size_t at = document.find(what);
  EXPECT_NE(at, std::string::npos) << what << " in " << document;
  return document.replace(at, what.size(), instead);
}

std::string fault(const std::string& document) {
  const auto read = from_json(document);
  return read ? std::string() : read.error().text();
}

TEST(PolicyVersions, WhatANewerOneAddsIsNotLeftOut) {
  const std::string document = to_json(make_set());
  ASSERT_EQ(fault(document), "");
  for (const char* object :
       {R"({"answer":)", R"({"categories":["live"])", R"({"categories":["novels"])",
        R"({"categories":["video"])", R"({"except":)", R"({"moderate":)", R"({"macs":)",
        R"({"inner":)", R"({"everybody":)", R"({"from":)", R"({"active":)", R"({"dns":)",
        R"({"block":)"}) {
    const std::string more = with(document, object, R"({"more":true,)" + std::string(object + 1));
    EXPECT_NE(fault(more).find("has the key 'more', which this version does not know"),
              std::string::npos)
        << object << ": " << fault(more);
    EXPECT_NE(fault(more).find("install the version that made it"), std::string::npos);
  }
}

TEST(PolicyVersions, AWordOfANewerOneIsNotTakenForAnother) {
  const std::string document = to_json(make_set());
  for (const auto& [what, instead] : std::vector<std::pair<const char*, const char*>>{
           {R"("safe_search":"strict")", R"("safe_search":"strictest")"},
           {R"("dns":"nxdomain")", R"("dns":"refused")"},
           {R"("tls":"reset")", R"("tls":"tarpit")"},
           {R"("quic":"close")", R"("quic":"retry")"},
           {R"("http":"page")", R"("http":"redirect")"}}) {
    EXPECT_NE(fault(with(document, what, instead)).find("which this version does not know"),
              std::string::npos)
        << instead;
  }
}

TEST(PolicyVersions, WhatEveryOneWritesHasToBeThere) {
  const std::string document = to_json(make_set());
  for (const char* key : {"policies", "groups", "default_policy", "answer", "block", "watch",
                          "categories", "schedule", "minutes_a_day", "everybody", "toggles",
                          "names", "lists", "outer", "only_during"}) {
    const std::string quoted = "\"" + std::string(key) + "\":";
    EXPECT_FALSE(from_json(with(document, quoted, "\"was_" + std::string(key) + "\":"))) << key;
  }
  EXPECT_NE(fault("{}").find("has no answer"), std::string::npos) << fault("{}");
}

// As the first one wrote it, which knew of nothing else.
TEST(PolicyVersions, AnOlderOneIsReadAsWhatItSaid) {
  const auto read = from_json(
      R"({"answer":{"dns":"nxdomain","guardian":false,"tls":"drop","ttl_seconds":30},)"
      R"("default_policy":"pupils","groups":[{"macs":["02:00:00:00:00:01"],"name":"staff",)"
      R"("policy":"staff","ports":[],"prefixes":[],"vlans":[{"inner":0,"outer":20}]}],)"
      R"("policies":[{"block":["games"],"name":"pupils","watch":[]},)"
      R"({"block":[],"name":"staff","watch":["video"]}]})");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->policies[0].blocked, mask("games"));
  EXPECT_EQ(read->policies[1].watched, mask("video"));
  EXPECT_EQ(read->answer.tls, TlsRefusal::drop);
  EXPECT_EQ(read->groups[0].macs.size(), 1U);
}

// Versions before told the names that two lists have in common as one more list.
TEST(PolicyVersions, AListThatOthersHaveInCommonIsNoneOfItsOwn) {
  PolicySet set = make_set();
  set.curated.push_back({"papers", {"www.library.example", "exam.example"}, {}, {}});
  set.policies.push_back({.name = "exam", .only = Only{.lists = 2}, .under = 0});
  const std::string document = to_json(set);
  const std::string common =
      R"({"all_of":["books","papers"],"except":[],"name":"books and papers",)"
      R"("names":["www.library.example"],"needs":[]})";
  const std::string end = R"("needs":[]}],"default_policy")";
  const std::string older =
      with(document, end, R"("needs":[]},)" + common + R"(],"default_policy")");
  const auto read = from_json(older);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_json(*read), document);
  EXPECT_NE(fault(with(older, R"("all_of":["books")", R"("all_of":[7)")), "");
  EXPECT_NE(fault(with(older, R"({"all_of")", R"({"most_of")")), "");
}

}  // namespace
}  // namespace sluice::policy
