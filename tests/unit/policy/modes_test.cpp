// Modes that persons switch, policies that let nothing else through, and curated lists.
#include <gtest/gtest.h>

#include "config/policy/curated.h"
#include "config/policy/timetable.h"

namespace sluice::policy {
namespace {

constexpr std::int64_t kNoon = 43200;

CategoryMask category(std::string_view name) { return bit(find_category(name)->id); }

name::LookupName lookup(std::string_view text) {
  name::LookupName out;
  EXPECT_EQ(name::from_text(text, out), name::Defect::none);
  return out;
}

std::vector<CuratedList> lists() {
  return {{"lessons", {"school.example", "lib.test"}, {"cdn.example"}, {"game.school.example"}},
          {"exam", {"paper.school.example", "ok.game.school.example"}, {}, {}}};
}

TEST(CuratedNames, HoldTheNameAndAllBelowItButForExceptions) {
  const CuratedNames names(lists());
  for (const auto& [name, expected] : {std::pair{"school.example", 1U},
                                       {"www.School.example", 1U},
                                       {"a.b.c.school.example", 1U},
                                       {"xschool.example", 0U},
                                       {"example", 0U},
                                       {"school.example.test", 0U},
                                       {"game.school.example", 0U},
                                       {"www.game.school.example", 0U},
                                       {"ok.game.school.example", 2U},
                                       {"paper.school.example", 3U},
                                       {"cdn.example", 1U},
                                       {"lib.test", 1U}}) {
    EXPECT_EQ(names.lists_of(lookup(name)), expected) << name;
  }
  EXPECT_EQ(CuratedNames().lists_of(lookup("school.example")), 0U);
  EXPECT_EQ(CuratedNames({{"empty", {}, {}, {}}}).lists_of(lookup("school.example")), 0U);
}

TEST(CuratedNames, AreTheSameAsAPersonIsTold) {
  const auto all = lists();
  const CuratedNames names(all);
  for (const char* name :
       {"school.example", "www.school.example", "game.school.example", "x.game.school.example",
        "ok.game.school.example", "cdn.example", "paper.school.example", "other.example"}) {
    std::uint64_t told = 0;
    for (const CuratedBy& one : curated_by(all, name)) {
      if (!one.excepted) told |= one.list == "lessons" ? 1U : 2U;
    }
    EXPECT_EQ(told, names.lists_of(lookup(name))) << name;
  }
  const auto why = curated_by(all, "a.cdn.example");
  ASSERT_EQ(why.size(), 1U);
  EXPECT_TRUE(why[0].needed);
  EXPECT_EQ(why[0].name, "cdn.example");
}

TEST(Decide, LetsOnlyCuratedNamesThroughWhereTheOrderOfRulesComesToIt) {
  const Masks masks{.blocked = category("games"),
                    .watched = category("social"),
                    .only = {.lists = 1, .categories = category("social") | category("games")},
                    .curated = true};
  struct Case {
    generation::Answer answer;
    std::uint64_t lists;
    Action action;
    Reason reason;
  };
  const auto in = [](std::string_view name) { return category(name); };
  for (const Case& c :
       {Case{{.is_protected = true}, 0, Action::pass, Reason::is_protected},
        {{.categories = in("terror")}, 1, Action::block, Reason::mandatory},
        {{.categories = in("fraud"), .emergency = true}, 1, Action::block, Reason::emergency},
        {{.categories = in("games"), .local_allow = true}, 0, Action::pass, Reason::site_allow},
        {{.categories = in("games")}, 1, Action::block, Reason::category},
        {{}, 0, Action::block, Reason::not_curated},
        {{}, 2, Action::block, Reason::not_curated},
        {{.categories = in("video")}, 0, Action::block, Reason::not_curated},
        {{}, 1, Action::pass, Reason::curated},
        {{}, 3, Action::pass, Reason::curated},
        {{.categories = in("video")}, 1, Action::pass, Reason::curated},
        {{.categories = in("social")}, 0, Action::log, Reason::watched}}) {
    const Verdict verdict = decide(c.answer, masks, c.lists);
    EXPECT_EQ(verdict.action, c.action) << text(c.reason);
    EXPECT_EQ(verdict.reason, c.reason) << text(verdict.reason);
  }
  Masks paused = masks;
  paused.paused = true;
  EXPECT_EQ(decide({}, paused, 0).reason, Reason::paused);
  EXPECT_EQ(decide({}, Masks{}, 0).reason, Reason::not_listed);
}

constexpr Mac kMac{2, 0, 0, 0, 0, 7};

/// Pupils by VLAN 7, teachers by VLAN 8; a policy `lesson` with an `only`, and `late` without.
PolicySet make_set() {
  PolicySet set;
  set.curated = lists();
  set.policies = {{.name = "pupils", .blocked = category("games"), .strict = true},
                  {.name = "teachers"},
                  {.name = "lesson",
                   .withhold_ech = true,
                   .only = Only{.lists = 1, .categories = 0, .refuse_unnamed = true}},
                  {.name = "late", .blocked = category("social")}};
  set.groups = {{.name = "pupils", .policy = "pupils", .vlans = {{7, 0}}},
                {.name = "teachers", .policy = "teachers", .vlans = {{8, 0}}}};
  set.default_policy = "teachers";
  return set;
}

struct Table {
  explicit Table(PolicySet given)
      : set(std::move(given)), groups(GroupTable::build(set, {}).value()), timetable(set, groups) {}
  [[nodiscard]] Masks of(const Client& client, Moment moment) const {
    const auto all = timetable.masks(moment);
    return all[groups.find(client, all.data())];
  }
  PolicySet set;
  GroupTable groups;
  Timetable timetable;
};

Client client(std::uint16_t vlan, Mac mac = kMac) {
  return {.mac = mac, .has_ip = true, .address = {192, 0, 2, 7}, .outer_vlan = vlan};
}

TEST(Modes, OfAGroupAreAnotherPolicyUntilTheirEnd) {
  PolicySet set = make_set();
  set.modes = {{.word = "study", .group = "pupils", .policy = "lesson", .from = 0, .until = kNoon}};
  const Table table(set);
  const Masks lesson = table.of(client(7), kNoon - 1);
  EXPECT_TRUE(lesson.curated && lesson.refuse_unnamed && lesson.withhold_ech);
  EXPECT_FALSE(lesson.strict || lesson.paused);
  EXPECT_EQ(lesson.only, (Clause{.lists = 1}));
  const Masks after = table.of(client(7), kNoon);
  EXPECT_FALSE(after.curated);
  EXPECT_TRUE(after.strict);
  EXPECT_EQ(after.blocked, category("games"));
  EXPECT_FALSE(table.of(client(8), 0).curated);
  EXPECT_NE(table.timetable.period(kNoon - 1), table.timetable.period(kNoon));
  EXPECT_EQ(table.timetable.period(kNoon), table.timetable.period(kNoon + 1));
}

TEST(Modes, OfADeviceGoBeforeItsGroups) {
  PolicySet set = make_set();
  set.modes = {{.word = "pause", .group = "pupils", .policy = "lesson"},
               {.word = "late", .mac = kMac, .policy = "late", .until = kNoon}};
  const Table table(set);
  EXPECT_EQ(table.of(client(7), 0).blocked, category("social"));
  EXPECT_EQ(table.of(client(8), 0).blocked, category("social"));  // wherever it is plugged in
  EXPECT_TRUE(table.of(client(7), kNoon).paused);                 // its own has ended
  EXPECT_EQ(table.of(client(8), kNoon).blocked, 0U);
  EXPECT_TRUE(table.of(client(7, {2, 0, 0, 0, 0, 8}), 0).paused);
}

TEST(Modes, NormalExemptsADeviceFromItsGroups) {
  PolicySet set = make_set();
  set.modes = {{.word = "pause", .group = "pupils", .policy = "lesson"},
               {.word = "normal", .address = parse_prefix("192.0.2.7/32").value(), .until = kNoon}};
  const Table table(set);
  EXPECT_FALSE(table.of(client(7), 0).curated);
  EXPECT_EQ(table.of(client(7), 0).blocked, category("games"));
  EXPECT_EQ(table.of(client(8), 0).blocked, 0U);
  EXPECT_TRUE(table.of(client(7), kNoon).curated);
}

TEST(Modes, WhileNobodyKnowsTheTimeOnlyWhatKeepsAwayGoesOn) {
  PolicySet set = make_set();
  set.modes = {{.word = "study", .group = "pupils", .policy = "lesson", .until = kNoon},
               {.word = "late", .group = "teachers", .policy = "late", .until = kNoon}};
  const Table table(set);
  EXPECT_TRUE(table.of(client(7), Moment{}).curated);
  EXPECT_EQ(table.of(client(8), Moment{}).blocked, 0U);
}

TEST(Modes, OfWhatIsNoLongerThereDoNothing) {
  PolicySet set = make_set();
  set.modes = {{.word = "pause", .group = "gone", .policy = "lesson"}};
  EXPECT_FALSE(Table(set).of(client(7), 0).curated);
  set.modes[0] = {.word = "x", .group = "pupils", .policy = "gone"};
  const auto built = GroupTable::build(set, {});
  ASSERT_FALSE(built);
  EXPECT_NE(built.error().text().find("no policy is named 'gone'"), std::string::npos);
}

TEST(PolicyJson, CarriesListsAndModes) {
  PolicySet set = make_set();
  set.modes = {
      {.word = "study",
       .group = "pupils",
       .policy = "lesson",
       .from = 5,
       .until = kNoon,
       .who = "li",
       .reason = "lesson 4"},
      {.word = "normal", .mac = kMac},
      {.word = "late", .address = parse_prefix("2001:db8::7/128").value(), .policy = "late"}};
  const auto read = from_json(to_json(set));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_json(*read), to_json(set));
  ASSERT_TRUE(read->policies[2].only);
  EXPECT_EQ(read->policies[2].only->lists, 1U);
  EXPECT_EQ(read->modes[0].until, kNoon);
  EXPECT_EQ(subject(read->modes[2]), "2001:db8::7");
  set.budgets = {{"play", category("games"), 60, 300, 5}, {"tv", category("video"), 0, 90}};
  set.budget_days = {5, 10};
  set.budget_weeks = {5};
  set.devices_by_address = true;
  set.policies[0].budgets = 2;
  const auto again = from_json(to_json(set));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(*again), to_json(set));
  EXPECT_EQ(again->policies[0].budgets, 2U);
  EXPECT_EQ(Table(*again).of(client(7), 0).budgeted, category("video"));
  std::string bad = to_json(set);
  bad.replace(bad.find("cdn.example"), 11, "Cdn.example");
  EXPECT_FALSE(from_json(bad));
}

}  // namespace
}  // namespace sluice::policy
