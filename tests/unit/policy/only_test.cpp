// Of several policies with an `only` over one group, each has to let a name through: by whichever
// of its lists or categories. Beside a reference that asks each policy by itself.
#include <gtest/gtest.h>
#include <random>

#include "config/policy/curated.h"
#include "config/policy/timetable.h"

namespace sluice::policy {
namespace {

constexpr std::int64_t kNoon = 43200;
constexpr Mac kMac = {2, 0, 0, 0, 0, 9};

CategoryMask category(std::string_view name) { return bit(find_category(name)->id); }

struct Judge {
  explicit Judge(PolicySet given)
      : set(std::move(given)),
        groups(GroupTable::build(set, {}).value()),
        timetable(set, groups),
        curated(set.curated) {}
  [[nodiscard]] Masks masks(std::uint16_t vlan, Moment moment = 0) const {
    const auto all = timetable.masks(moment);
    const Client client{.mac = kMac, .has_ip = true, .address = {192, 0, 2, 7}, .outer_vlan = vlan};
    const std::uint16_t group = groups.find(client, all.data());
    EXPECT_EQ(all[group], timetable.masks(group, moment));
    return all[group];
  }
  [[nodiscard]] bool passes(const Masks& masks, const std::string& text, CategoryMask of) const {
    name::LookupName name;
    EXPECT_EQ(name::from_text(text, name), name::Defect::none);
    return decide({.categories = of}, masks, curated.lists_of(name)).action != Action::block;
  }
  [[nodiscard]] bool passes(const std::string& text, CategoryMask of = 0) const {
    return passes(masks(7), text, of);
  }
  PolicySet set;
  GroupTable groups;
  Timetable timetable;
  CuratedNames curated;
};

/// A class by VLAN 7; lists of one name each.
PolicySet make_set() {
  PolicySet set;
  for (const std::string name : {"a", "b", "c"}) {
    set.curated.push_back({name, {name + ".example"}, {}, {}});
  }
  set.curated.push_back({"all", {"example"}, {}, {}});
  set.policies = {{.name = "class", .under = 1}, {.name = "school"}, {.name = "layer/parents"}};
  set.layers = {{.policy = "layer/parents", .owner = "Parents", .everybody = true}};
  set.groups = {{.name = "class", .policy = "class", .vlans = {{7, 0}}}};
  set.default_policy = "school";
  return set;
}

TEST(Only, OneByAListAndOneByACategory) {
  PolicySet set = make_set();
  set.policies[0].only = Only{.lists = 0b0001};
  set.policies[2].only = Only{.categories = category("novels") | category("games")};
  const Judge judge(set);
  EXPECT_TRUE(judge.passes("a.example", category("novels")));
  EXPECT_TRUE(judge.passes("www.a.example", category("games") | category("video")));
  EXPECT_FALSE(judge.passes("a.example"));
  EXPECT_FALSE(judge.passes("a.example", category("video")));
  EXPECT_FALSE(judge.passes("b.example", category("novels")));
}

TEST(Only, TwoByACategoryEach) {
  PolicySet set = make_set();
  set.policies[1].only = Only{.categories = category("novels")};
  set.policies[2].only = Only{.categories = category("games")};
  const Judge judge(set);
  EXPECT_TRUE(judge.passes("a.example", category("novels") | category("games")));
  EXPECT_FALSE(judge.passes("a.example", category("novels")));
  EXPECT_FALSE(judge.passes("a.example", category("games")));
}

TEST(Only, ThreeOwners) {
  PolicySet set = make_set();
  set.policies[0].only = Only{.lists = 0b0011};
  set.policies[1].only = Only{.lists = 0b1000, .categories = category("live")};
  set.policies[2].only = Only{.lists = 0b0100, .categories = category("novels")};
  const Judge judge(set);
  EXPECT_TRUE(judge.passes("b.example", category("novels")));
  EXPECT_FALSE(judge.passes("b.example"));                      // the parents do not
  EXPECT_FALSE(judge.passes("c.example", category("novels")));  // the class does not
  EXPECT_FALSE(judge.passes("b.test", category("novels")));
}

TEST(Only, AModesBesideALayers) {
  PolicySet set = make_set();
  set.policies[2].only = Only{.lists = 0b0110, .refuse_unnamed = false};
  set.policies.push_back({.name = "study", .only = Only{.lists = 0b0010}});
  set.policies.push_back({.name = "reading", .only = Only{.categories = category("novels")}});
  set.modes = {{.word = "study", .group = "class", .policy = "reading", .until = kNoon}};
  const Judge judge(set);
  const Masks during = judge.masks(7, kNoon - 1);
  const Masks after = judge.masks(7, kNoon);
  EXPECT_TRUE(during.refuse_unnamed);
  EXPECT_FALSE(after.refuse_unnamed);
  EXPECT_TRUE(judge.passes(during, "c.example", category("novels")));
  EXPECT_FALSE(judge.passes(during, "c.example", 0));
  EXPECT_FALSE(judge.passes(during, "a.example", category("novels")));
  EXPECT_TRUE(judge.passes(after, "c.example", 0));
  EXPECT_FALSE(judge.passes(after, "a.example", category("novels")));
  EXPECT_EQ(judge.masks(0, kNoon - 1), judge.masks(7, kNoon));
  // Of which the one lets through less than the other, it alone is asked.
  set.modes[0].policy = "study";
  const Judge within(set);
  EXPECT_EQ(within.masks(7).only, (Clause{.lists = 0b0010}));
  EXPECT_EQ(within.masks(7).further, nullptr);
}

TEST(Only, OfOneThatLetsNothingThroughLiftsNothing) {
  PolicySet set = make_set();
  set.policies[2].only = Only{.lists = ~std::uint64_t{0}, .categories = ~CategoryMask{0}};
  set.policies.push_back({.name = "pause/all", .only = Only{}});
  set.modes = {{.word = "pause", .group = "class", .policy = "pause/all"}};
  const Judge judge(set);
  EXPECT_FALSE(judge.passes("a.example", category("novels")));
  EXPECT_EQ(judge.masks(7).further, nullptr);
}

// However many stand over one another: there is no number of them from which on one is left out.
TEST(Only, OfAsManyAsThereAre) {
  constexpr std::uint16_t kMany = 40;
  const auto make = [](std::uint16_t without) {
    PolicySet set;
    for (std::uint16_t i = 0; i < kMany; ++i) {
      const std::string name = "p" + std::to_string(i);
      set.curated.push_back({name, {i == without ? "other.test" : "example"}, {}, {}});
      set.policies.push_back({.name = name, .only = Only{.lists = std::uint64_t{1} << i}});
      if (i + 1 < kMany) set.policies.back().under = static_cast<std::uint16_t>(i + 1);
    }
    set.default_policy = "p0";
    return Judge(std::move(set)).passes("a.example");
  };
  EXPECT_TRUE(make(kMany));
  for (std::uint16_t i = 0; i < kMany; ++i) EXPECT_FALSE(make(i)) << i;
}

// As a snapshot of the dataplane has them, which moves its timetable into its place.
TEST(Only, HoldsWhereverTheTimetableIsMovedTo) {
  PolicySet set = make_set();
  set.policies[0].only = Only{.lists = 0b0001};
  set.policies[1].only = Only{.lists = 0b0010};
  const GroupTable groups = GroupTable::build(set, {}).value();
  auto made = std::make_unique<Timetable>(set, groups);
  const Masks masks = made->masks(0)[1];
  const Timetable timetable = std::move(*made);
  made.reset();
  EXPECT_TRUE(masks.lets_through(0b0011, 0));
  EXPECT_FALSE(masks.lets_through(masks.only.lists, 0));
  EXPECT_EQ(masks, timetable.masks(0)[1]);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : of_(seed) {}
  std::size_t below(std::size_t limit) { return of_() % limit; }
  bool once_in(std::size_t many) { return below(many) == 0; }
  /// Names whose labels meet again and again.
  std::string name(std::size_t most) {
    std::string out = once_in(2) ? "example" : "test";
    for (auto more = below(most); more > 0; --more) {
      out.insert(0, std::string(1, static_cast<char>('a' + below(3))) + ".");
    }
    return out;
  }
  CategoryMask categories() {
    CategoryMask mask = 0;
    for (const char* one : {"games", "novels", "video"}) {
      if (once_in(3)) mask |= category(one);
    }
    return mask;
  }
  std::string policy(std::size_t of) { return "p" + std::to_string(below(of)); }

 private:
  std::mt19937_64 of_;
};

/// Two groups and whatever stands over them; modes of one group and of the device.
PolicySet any_set(Random& random) {
  PolicySet set;
  for (int i = 0; i < 5; ++i) {
    CuratedList list{.name = "list" + std::to_string(i)};
    for (auto* names : {&list.names, &list.names, &list.needs, &list.except}) {
      for (auto more = random.below(4); more > 0; --more) names->push_back(random.name(4));
    }
    set.curated.push_back(std::move(list));
  }
  const std::size_t count = 4 + random.below(5);
  for (std::size_t i = 0; i < count; ++i) {
    Policy policy{.name = "p" + std::to_string(i)};
    if (i > 0 && !random.once_in(3)) policy.under = static_cast<std::uint16_t>(random.below(i));
    if (!random.once_in(3)) {
      policy.only = Only{.lists = random.below(32),
                         .categories = random.categories(),
                         .refuse_unnamed = random.once_in(2)};
    }
    set.policies.push_back(std::move(policy));
  }
  set.groups = {{.name = "class", .policy = random.policy(count), .vlans = {{7, 0}}},
                {.name = "room", .policy = random.policy(count), .vlans = {{8, 0}}}};
  set.default_policy = random.policy(count);
  if (random.once_in(2)) set.layers = {{random.policy(count), "Ms Li", false, {"class"}}};
  if (random.once_in(2)) set.layers.push_back({random.policy(count), "Parents", true, {}});
  const auto add_mode = [&](Mode mode) {
    if (!random.once_in(3)) mode.policy = random.policy(count);
    if (random.once_in(2)) mode.until = kNoon;
    set.modes.push_back(std::move(mode));
  };
  if (random.once_in(2)) add_mode({.word = "m", .group = "class"});
  if (random.once_in(2)) add_mode({.word = "m", .mac = kMac});
  return set;
}

const Policy* named(const PolicySet& set, const std::string& name) {
  for (const Policy& one : set.policies) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

/// By the documentation: which policies stand over the device in a VLAN.
std::vector<const Policy*> standing(const PolicySet& set, std::uint16_t vlan, Moment moment) {
  const std::string group = vlan == 7 ? "class" : vlan == 8 ? "room" : "default";
  const std::string own = vlan == 7   ? set.groups[0].policy
                          : vlan == 8 ? set.groups[1].policy
                                      : set.default_policy;
  const Mode* mode = nullptr;
  for (const Mode& one : set.modes) {
    const Policy* const by = named(set, one.policy);
    const bool on = one.until == 0 || (moment ? *moment < one.until : by != nullptr && by->only);
    if (on && (one.mac || (one.group == group && mode == nullptr))) mode = &one;
  }
  std::vector<const Policy*> out;
  const auto add = [&](const Policy* policy) {
    while (policy != nullptr) {
      out.push_back(policy);
      policy = policy->under == Policy::kNone ? nullptr : &set.policies[policy->under];
    }
  };
  const Policy* const its = named(set, own);
  add(mode == nullptr || mode->policy.empty() ? its : named(set, mode->policy));
  if (its->under != Policy::kNone) add(&set.policies[its->under]);
  for (const Layer& layer : set.layers) {
    const bool is_its =
        std::find(layer.groups.begin(), layer.groups.end(), group) != layer.groups.end();
    if (layer.everybody || is_its) add(named(set, layer.policy));
  }
  return out;
}

/// By the nearest of the list's names that covers it; an exception goes before the same name.
bool is_on(const CuratedList& list, std::string name) {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (;;) {
    if (has(list.except)) return false;
    if (has(list.names) || has(list.needs)) return true;
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return false;
    name.erase(0, dot + 1);
  }
}

TEST(Only, PropertyEachHasToLetANameThrough) {
  Random random(11);
  std::size_t passed = 0;
  std::size_t refused = 0;
  std::size_t several = 0;
  for (int round = 0; round < 1000; ++round) {
    const auto travelled = from_json(to_json(any_set(random)));
    ASSERT_TRUE(travelled) << travelled.error().text();
    const Judge judge(*travelled);
    for (const std::uint16_t vlan : {7, 8, 0}) {
      for (const Moment moment : {Moment{0}, Moment{kNoon}, Moment{}}) {
        const Masks masks = judge.masks(vlan, moment);
        const auto over = standing(judge.set, vlan, moment);
        const bool unnamed = std::any_of(over.begin(), over.end(), [](const Policy* one) {
          return one->only && one->only->refuse_unnamed;
        });
        ASSERT_EQ(masks.refuse_unnamed, unnamed);
        several += masks.further != nullptr ? 1 : 0;
        for (int i = 0; i < 12; ++i) {
          const std::string name = random.name(6);
          const CategoryMask of = random.categories();
          const bool expected = std::all_of(over.begin(), over.end(), [&](const Policy* one) {
            if (!one->only || (one->only->categories & of) != 0) return true;
            for (std::size_t list = 0; list < judge.set.curated.size(); ++list) {
              const bool its = (one->only->lists >> list & 1) != 0;
              if (its && is_on(judge.set.curated[list], name)) return true;
            }
            return false;
          });
          ASSERT_EQ(judge.passes(masks, name, of), expected)
              << "round " << round << ", VLAN " << vlan << ", " << name;
          if (masks.curated) ++(expected ? passed : refused);
        }
      }
    }
  }
  EXPECT_GT(passed, 5000U);
  EXPECT_GT(refused, 5000U);
  EXPECT_GT(several, 1000U);
}

}  // namespace
}  // namespace sluice::policy
