// Search engines: those that come with Sluice, and what a configuration makes of them.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

#include "config/name/name.h"
#include "config/policy/safe_search.h"
#include "config/schema/config.h"

namespace sluice::schema {
namespace {

namespace fs = std::filesystem;
using policy::SafeSearch;

Loaded load_text(const std::string& more) {
  const fs::path file = fs::temp_directory_path() / ("sluice-search-" + std::to_string(getpid()));
  std::ofstream(file) << "site: {name: A}\nports: {in: 'null:', out: 'null:'}\n"
                         "pairs: {main: {inside: in, outside: out}}\ndefault_policy: pupils\n"
                      << more;
  Loaded loaded = load(file);
  fs::remove(file);
  return loaded;
}

policy::PolicySet policy_of(const std::string& more) {
  const Loaded loaded = load_text(more);
  for (const Fault& fault : loaded.faults) ADD_FAILURE() << fault.text();
  return loaded.config ? loaded.config->policy : policy::PolicySet{};
}

std::string asked_instead(const policy::PolicySet& set, std::string_view name,
                          SafeSearch level = SafeSearch::strict) {
  const policy::SearchEngine* engine = policy::engine_of(set.engines, name);
  return engine == nullptr ? "" : policy::safe_name(*engine, level);
}

TEST(SearchEngines, ThatComeWithSluice) {
  const auto set = policy_of("policies: {pupils: {safe_search: strict}}\n");
  EXPECT_EQ(set.policies[0].safe_search, SafeSearch::strict);
  EXPECT_EQ(asked_instead(set, "www.google.com"), "forcesafesearch.google.com");
  EXPECT_EQ(asked_instead(set, "www.google.co.uk"), "forcesafesearch.google.com");
  EXPECT_EQ(asked_instead(set, "www.google.no"), "forcesafesearch.google.com");
  EXPECT_EQ(asked_instead(set, "www.youtube.com"), "restrict.youtube.com");
  EXPECT_EQ(asked_instead(set, "www.youtube.com", SafeSearch::moderate),
            "restrictmoderate.youtube.com");
  EXPECT_EQ(asked_instead(set, "www.bing.com", SafeSearch::moderate), "strict.bing.com");
  EXPECT_EQ(asked_instead(set, "duckduckgo.com"), "safe.duckduckgo.com");
  EXPECT_EQ(asked_instead(set, "www.ecosia.org"), "strict-safe-search.ecosia.org");
  EXPECT_EQ(asked_instead(set, "pixabay.com"), "safesearch.pixabay.com");
  EXPECT_EQ(asked_instead(set, "ya.ru"), "familysearch.yandex.ru");
  EXPECT_EQ(asked_instead(set, "google.com"), "");
  EXPECT_EQ(asked_instead(set, "mail.google.com"), "");
}

// Nothing is asked for in the place of what is itself asked for in another's.
TEST(SearchEngines, OfTheDataLeadNowhereElse) {
  const auto set = policy_of("policies: {pupils: {safe_search: moderate}}\n");
  std::set<std::string> seen;
  std::size_t count = 0;
  for (const policy::SearchEngine& engine : set.engines) {
    for (const std::string* safe : {&engine.strict, &engine.moderate}) {
      if (safe->empty()) continue;
      EXPECT_EQ(asked_instead(set, *safe), "") << *safe;
      EXPECT_EQ(name::canonical(*safe).value_or(""), *safe);
    }
    for (const std::string& name : engine.names) {
      EXPECT_TRUE(seen.insert(name).second) << name;
      EXPECT_EQ(name::canonical(name).value_or(""), name);
      EXPECT_LE(name.size(), policy::kMaxSafeName);
      ++count;
    }
  }
  EXPECT_GT(count, 240U);
}

TEST(SearchEngines, TravelOnlyWhereAPolicyHasUseForThem) {
  EXPECT_TRUE(policy_of("policies: {pupils: {}}\n").engines.empty());
  EXPECT_TRUE(policy_of("policies: {pupils: {safe_search: pass}}\n").engines.empty());
  EXPECT_FALSE(policy_of("policies: {pupils: {}, young: youth}\n").engines.empty());
}

TEST(SearchEngines, OfOnesOwn) {
  const auto set = policy_of(
      "policies: {pupils: {safe_search: strict}}\n"
      "search_engines:\n"
      "  school: {names: [Search.Example, www.search.example], strict: safe.search.example}\n"
      "  bing: {names: [], strict: strict.bing.com}\n"
      "  youtube: {names: [www.youtube.com], strict: restrictmoderate.youtube.com}\n");
  EXPECT_EQ(asked_instead(set, "search.example"), "safe.search.example");
  EXPECT_EQ(asked_instead(set, "www.bing.com"), "");
  EXPECT_EQ(asked_instead(set, "www.youtube.com"), "restrictmoderate.youtube.com");
  EXPECT_EQ(asked_instead(set, "m.youtube.com"), "");
  EXPECT_EQ(asked_instead(set, "www.google.com"), "forcesafesearch.google.com");
}

TEST(SearchEngines, TravelInTheGeneration) {
  const auto set = policy_of("policies: {pupils: {safe_search: moderate}, open: {}}\n");
  const auto back = policy::from_json(policy::to_json(set));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->policies[0].safe_search, SafeSearch::moderate);
  EXPECT_EQ(back->policies[1].safe_search, SafeSearch::off);
  ASSERT_EQ(back->engines.size(), set.engines.size());
  for (std::size_t i = 0; i < set.engines.size(); ++i) {
    EXPECT_EQ(back->engines[i].names, set.engines[i].names);
    EXPECT_EQ(back->engines[i].strict, set.engines[i].strict);
    EXPECT_EQ(back->engines[i].moderate, set.engines[i].moderate);
  }
  for (const char* bad : {R"({"name":"a","names":["UP.example"],"strict":"s.example"})",
                          R"({"name":"a","names":["a.example"],"strict":""})",
                          R"({"name":"a","names":"a.example","strict":"s.example"})"}) {
    EXPECT_FALSE(policy::from_json(std::string(R"({"search_engines":[)") + bad + "]}")) << bad;
  }
}

TEST(SafeSearchNames, AreTheEnginesAlone) {
  const auto set = policy_of("policies: {pupils: {safe_search: strict}}\n");
  const policy::SafeSearchNames names(set.engines);
  const auto wire = [](std::span<const std::uint8_t> octets) {
    name::FoldedName folded;
    if (octets.empty()) return std::string();
    name::fold_wire(octets, folded);
    return name::display(folded);
  };
  const auto found = [&](std::string_view text, SafeSearch level) {
    name::FoldedName folded;
    EXPECT_EQ(name::fold_text(text, folded), name::Defect::none);
    const auto safe = names.find(folded, level);
    EXPECT_TRUE(safe.empty() || names.may_hold(folded)) << text;
    return wire(safe);
  };
  for (const policy::SearchEngine& engine : set.engines) {
    for (const std::string& name : engine.names) {
      EXPECT_EQ(found(name, SafeSearch::strict), engine.strict) << name;
      EXPECT_EQ(found(name, SafeSearch::moderate), policy::safe_name(engine, SafeSearch::moderate));
    }
  }
  EXPECT_EQ(found("WWW.Google.Com", SafeSearch::strict), "forcesafesearch.google.com");
  for (const char* other : {"a", "ru", "a.ru", "xya.ru", "www.google.example", "www.googla.com",
                            "google.com", "www.www.google.com", "forcesafesearch.google.com"}) {
    EXPECT_EQ(found(other, SafeSearch::strict), "") << other;
  }
  name::FoldedName root;
  name::fold_wire(std::vector<std::uint8_t>{0}, root);
  EXPECT_TRUE(names.find(root, SafeSearch::strict).empty());
  EXPECT_FALSE(policy::SafeSearchNames().may_hold(root));
}

TEST(SafeSearchNames, TheFilterLetsFewOthersPast) {
  const auto set = policy_of("policies: {pupils: {safe_search: strict}}\n");
  const policy::SafeSearchNames names(set.engines);
  unsigned held = 0;
  for (unsigned i = 0; i < 10000; ++i) {
    name::FoldedName folded;
    const std::string text =
        (i % 2 == 0 ? "www.site" : "h") + std::to_string(i * 7919) + ".example";
    EXPECT_EQ(name::fold_text(text, folded), name::Defect::none);
    held += names.may_hold(folded) ? 1 : 0;
  }
  EXPECT_LT(held, 500U);
}

TEST(SafeSearch, ComesAfterEverythingThatDecidesOtherwise) {
  using policy::Action;
  using policy::Reason;
  const policy::Masks strict{.safe_search = SafeSearch::strict};
  const auto action = [&](policy::Verdict verdict, const policy::Masks& masks) {
    return policy::decide_safe_search(verdict, masks).action;
  };
  EXPECT_EQ(action({Action::pass, Reason::not_listed, 0}, strict), Action::rewrite);
  EXPECT_EQ(action({Action::pass, Reason::listed_only, 3}, strict), Action::rewrite);
  EXPECT_EQ(action({Action::pass, Reason::curated, 0}, strict), Action::rewrite);
  EXPECT_EQ(action({Action::log, Reason::watched, 3}, strict), Action::rewrite);
  EXPECT_EQ(policy::decide_safe_search({Action::log, Reason::watched, 3}, strict).category, 3);
  EXPECT_EQ(action({Action::block, Reason::category, 3}, strict), Action::block);
  EXPECT_EQ(action({Action::block, Reason::not_curated, 0}, strict), Action::block);
  EXPECT_EQ(action({Action::pass, Reason::is_protected, 0}, strict), Action::pass);
  EXPECT_EQ(action({Action::pass, Reason::site_allow, 3}, strict), Action::pass);
  EXPECT_EQ(action({Action::pass, Reason::not_listed, 0}, {}), Action::pass);
}

}  // namespace
}  // namespace sluice::schema
