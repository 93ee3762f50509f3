// The formats of browser filters, dnsmasq and response policy zones, whole and damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "control/compile/plain_list.h"
#include "tests/unit/control/repository.h"

namespace sluice::compile {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlainFormats : public ::testing::Test {
 protected:
  PlainNames read(const std::string& text, const std::string& format) {
    test::write_file(folder_.path() / "list.txt", text);
    const std::filesystem::path files[] = {folder_.path() / "list.txt"};
    auto names = read_plain_lists(files, parse_plain_format(format).value());
    EXPECT_TRUE(names);
    return std::move(*names);
  }

  /// "example.ads. tree", or "otherwise" where the format says nothing.
  std::vector<std::string> told(const std::string& text, const std::string& format) {
    const PlainNames names = read(text, format);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < names.keys().size(); ++i) {
      const auto scope = names.scope(i, generation::Scope::exact);
      const bool unsaid = scope != names.scope(i, generation::Scope::subs);
      constexpr const char* kTexts[] = {" tree", " exact", " subs"};
      out.push_back(std::string(names.keys()[i]) +
                    (unsaid ? " otherwise" : kTexts[static_cast<int>(scope)]));
    }
    return out;
  }

  /// "reason" of the only line, or what was taken of it.
  std::string why(const std::string& line, const std::string& format) {
    const PlainNames names = read(line + "\n", format);
    if (names.report().rejections.size() != 1) return "taken";
    return names.keys().empty() ? names.report().rejections[0].reason : "both";
  }

  test::Folder folder_;
};

constexpr const char* kAdblock =
    "[Adblock Plus 2.0]\n! Title: a list\n# note\n||ads.example^\n||www.ads.example^$all\n"
    "||track.test^$document,important\r\n||B\xC3\xBC"
    "cher.example^\n";

TEST_F(PlainFormats, AdblockRulesForWholeNames) {
  const std::vector<std::string> names = {"example.ads. tree", "example.ads.www. tree",
                                          "example.xn--bcher-kva. tree", "test.track. tree"};
  EXPECT_EQ(told(kAdblock, "adblock"), names);
  EXPECT_EQ(told(kAdblock, "auto"), names);
}

TEST_F(PlainFormats, AdblockRulesThatMeanLess) {
  const std::pair<const char*, const char*> cases[] = {
      {"||ads.example^$third-party", "filter-option"},
      {"||ads.example^$all,domain=a.example", "filter-option"},
      {"||ads.example^$", "filter-option"},
      {"||ads.example^$badfilter", "filter-option"},
      {"||ads.example", "filter-open"},
      {"||ads.example|", "filter-open"},
      {"||ads.example$all", "filter-open"},
      {"||ads.example^|", "url"},
      {"||ads.example/banner^", "url"},
      {"||ads.example:8080^", "url"},
      {"||ads.example^path", "url"},
      {"||ads.example^*", "wildcard"},
      {"||*.ads.example^", "wildcard"},
      {"||ads*.example^", "wildcard"},
      {"||.ads.example^", "wildcard"},
      {"||^", "invalid-name"},
      {"||-^", "top-level"},
      {"||com^", "top-level"},
      {"||192.0.2.1^", "ip-address"},
      {"||ads..example^", "invalid-name"},
      {"@@||ads.example^", "filter-exception"},
      {"ads.example##.banner", "filter-cosmetic"},
      {"##.banner", "filter-cosmetic"},
      {"ads.example#@#.banner", "filter-cosmetic"},
  };
  for (const auto& [line, reason] : cases) {
    EXPECT_EQ(why(line, "adblock"), reason) << line;
    EXPECT_EQ(why(line, "auto"), reason) << line;
  }
  EXPECT_EQ(why("/ads[0-9]+/", "adblock"), "filter-regex");
  EXPECT_EQ(why("/ads/$script", "adblock"), "filter-regex");
  EXPECT_EQ(why("|https://ads.example/", "adblock"), "url");
  EXPECT_EQ(why("ads.example", "adblock"), "filter-rule");
}

TEST_F(PlainFormats, DnsmasqSettingsThatBlock) {
  const std::string text =
      "# list\naddress=/ads.example/\naddress=/b.example/c.example/0.0.0.0\n"
      "address=/d.example/# # note\naddress=/e.example/::\nserver=/f.example/\n"
      "local=/g.example/\naddress=/h.example/127.0.0.1\naddress=/i.example/::1\n";
  const std::vector<std::string> names = {
      "example.ads. tree", "example.b. tree", "example.c. tree",
      "example.d. tree",   "example.e. tree", "example.f. tree",
      "example.g. tree",   "example.h. tree", "example.i. tree"};
  EXPECT_EQ(told(text, "dnsmasq"), names);
  EXPECT_EQ(told(text, "auto"), names);
}

TEST_F(PlainFormats, DnsmasqSettingsThatDoNot) {
  const std::pair<const char*, const char*> cases[] = {
      {"address=/ads.example/192.0.2.7", "dnsmasq-answer"},
      {"server=/ads.example/192.0.2.7", "dnsmasq-answer"},
      {"server=/ads.example/#", "dnsmasq-answer"},
      {"address=/ads.example", "dnsmasq-setting"},
      {"address=//#", "invalid-name"},
      {"address=/#/0.0.0.0", "invalid-name"},
      {"address=/*.ads.example/", "wildcard"},
      {"local=/com/", "top-level"},
      {"server=/192.0.2.1/", "ip-address"},
  };
  for (const auto& [line, reason] : cases) {
    EXPECT_EQ(why(line, "dnsmasq"), reason) << line;
    EXPECT_EQ(why(line, "auto"), reason) << line;
  }
  for (const char* line : {"cache-size=100", "ipset=/ads.example/x", "=", "address=", "address=/",
                           "server=192.0.2.1", "ads.example"}) {
    EXPECT_EQ(why(line, "dnsmasq"), "dnsmasq-setting") << line;
  }
}

constexpr const char* kZone =
    "; a policy\n$TTL 1h\n$ORIGIN RPZ.example.\n"
    "@ IN SOA localhost. root.localhost. ( 7 ; serial\n 1h 15m\n 30d 2h )\n  NS localhost.\n"
    "ads.example CNAME .\n*.ads.example 300 IN CNAME .\n"
    "only.example.rpz.EXAMPLE. IN 300 CNAME .\n*.below.example\tCNAME\t. ; note\n"
    "$ORIGIN test.rpz.example.\nbet CNAME .\n  CNAME .\n"
    "$ORIGIN rpz.example.\n@ TXT \"a ; ( note\"\n";

TEST_F(PlainFormats, PolicyZones) {
  const std::vector<std::string> names = {"example.ads. tree", "example.below. subs",
                                          "example.only. exact", "test.bet. exact"};
  EXPECT_EQ(told(kZone, "rpz"), names);
  EXPECT_EQ(told(kZone, "auto"), names);
  const PlainNames all = read(kZone, "rpz");
  EXPECT_EQ(all.report().accepted, 4U);
  EXPECT_EQ(all.report().duplicates, 1U);
  EXPECT_EQ(all.report().read, 6U);
  EXPECT_EQ(all.report().rejections[0].reason, "rpz-action");  // TXT
}

TEST_F(PlainFormats, PolicyZonesByTheirSoaAlone) {
  EXPECT_THAT(told("rpz.example. 60 IN SOA a. b. 1 2 3 4 5\nads.example.rpz.example. CNAME .\n"
                   "b.example CNAME .\n",
                   "auto"),
              ElementsAre("example.ads. exact", "example.b. exact"));
  EXPECT_THAT(told("@ SOA a. b. 1 2 3 4 5\n@ NS a.\nads.example CNAME .\n", "auto"),
              ElementsAre("example.ads. exact"));
  EXPECT_THAT(told("$ORIGIN .\nrpz.example SOA a. b. 1 2 3 4 5\n$ORIGIN rpz.example.\n"
                   "ads.example CNAME .\n",
                   "auto"),
              ElementsAre("example.ads. exact"));
}

TEST_F(PlainFormats, PolicyZonesThatAskForMore) {
  const std::pair<const char*, const char*> cases[] = {
      {"ads.example CNAME rpz-passthru.", "rpz-action"},
      {"ads.example CNAME rpz-drop.", "rpz-action"},
      {"ads.example CNAME *.", "rpz-action"},
      {"ads.example CNAME walled.example.", "rpz-action"},
      {"ads.example A 192.0.2.1", "rpz-action"},
      {"24.0.2.0.192.rpz-ip CNAME .", "rpz-trigger"},
      {"ns.example.rpz-nsdname CNAME .", "rpz-trigger"},
      {"24.0.2.0.192.RPZ-CLIENT-IP CNAME .", "rpz-trigger"},
      {"ads.example.other.test. CNAME .", "zone-other"},
      {"ads.examplerpz.example. CNAME .", "zone-other"},
      {"ads.example", "zone-line"},
      {"ads.example CNAME", "zone-line"},
      {"ads.example CNAME . .", "zone-line"},
      {"ads.example CNAME ( . )", "zone-line"},
      {"@ CNAME .", "zone-line"},
      {"* CNAME .", "wildcard"},
      {"a.*.example CNAME .", "wildcard"},
      {"com CNAME .", "top-level"},
      {"*.com CNAME .", "top-level"},
      {"a\\.b.example CNAME .", "invalid-name"},
      {"a..example CNAME .", "invalid-name"},
      {"site.example/page CNAME .", "url"},
      {"$INCLUDE other", "zone-directive"},
      {"$ORIGIN", "zone-line"},
      {"ads.example CNAME . (", "both"},
  };
  for (const auto& [line, reason] : cases) {
    const std::string zone = "rpz.example. SOA a. b. 1 2 3 4 5\n";
    const PlainNames names = read(zone + line + "\n", "rpz");
    ASSERT_FALSE(names.report().rejections.empty()) << line;
    EXPECT_THAT(names.keys(), IsEmpty()) << line;
    if (std::string(reason) == "both") continue;
    EXPECT_EQ(names.report().rejections[0].reason, reason) << line;
    EXPECT_THAT(names.report().rejections[0].first[0], ::testing::EndsWith("list.txt:2"));
  }
}

TEST_F(PlainFormats, AParenthesisThatStaysOpenIsTold) {
  const PlainNames names = read("$TTL 60\n@ SOA a. b. ( 1 2 3\nads.example CNAME .\n", "auto");
  EXPECT_THAT(names.keys(), IsEmpty());
  ASSERT_EQ(names.report().rejections.size(), 1U);
  EXPECT_EQ(names.report().rejections[0].reason, "zone-open");
  EXPECT_THAT(names.report().rejections[0].first[0], ::testing::EndsWith("list.txt:2"));
}

TEST_F(PlainFormats, EachFileHasItsOwnFormat) {
  const std::filesystem::path files[] = {folder_.path() / "1", folder_.path() / "2",
                                         folder_.path() / "3"};
  test::write_file(files[0], kZone);
  test::write_file(files[1], "www.example\nads.example\nonly.example\n");
  test::write_file(files[2], kAdblock);
  const auto names = read_plain_lists(files, PlainFormat::automatic);
  ASSERT_TRUE(names);
  EXPECT_EQ(names->keys().size(), 8U);
  EXPECT_EQ(names->report().duplicates, 4U);
  const auto scope = [&](std::string_view key) {
    const auto keys = names->keys();
    const auto at = std::find(keys.begin(), keys.end(), key) - keys.begin();
    return names->scope(static_cast<std::size_t>(at), generation::Scope::subs);
  };
  EXPECT_EQ(scope("example.www."), generation::Scope::subs);
  EXPECT_EQ(scope("example.only."), generation::Scope::tree);  // alone there, below here
  EXPECT_EQ(scope("example.ads."), generation::Scope::tree);
}

TEST_F(PlainFormats, DamageNeverTakesMoreThanItCounts) {
  std::mt19937 random(5);
  const std::string sound = std::string(kAdblock) + kZone + "address=/a.example/b.example/#\n";
  for (int round = 0; round < 300; ++round) {
    std::string text = sound.substr(random() % 40);
    for (int i = 0; i < 6; ++i) {
      const std::size_t at = random() % text.size();
      const char octet = random() % 2 == 0 ? "|^$/#*@.;()\"\\\n \t="[random() % 17]
                                           : static_cast<char>(random() % 256);
      random() % 3 == 0 ? text.erase(at, 1 + random() % 5) : text.insert(at, 1, octet);
    }
    for (const char* format : {"auto", "adblock", "dnsmasq", "rpz"}) {
      const PlainNames names = read(text, format);
      const PlainReport& report = names.report();
      ASSERT_EQ(report.read, report.accepted + report.duplicates + report.rejected);
      ASSERT_EQ(report.accepted, names.keys().size());
      ASSERT_TRUE(std::is_sorted(names.keys().begin(), names.keys().end()));
      for (std::size_t i = 0; i < names.keys().size(); ++i) {
        ASSERT_GT(std::count(names.keys()[i].begin(), names.keys()[i].end(), '.'), 1);
        (void)names.scope(i, generation::Scope::tree);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::compile
