// What policies say that never decides anything, or always.
#include <algorithm>
#include <set>

#include "config/policy/curated.h"
#include "config/schema/doubts.h"

namespace sluice::schema {
namespace {

using policy::CategoryMask;
using policy::Policy;

CategoryMask bit_of(const TextNode& word) {
  const policy::Category* const category = policy::find_category(word.text);
  return category == nullptr ? 0 : policy::bit(category->id);
}

std::string in_words(CategoryMask mask) {
  std::string out;
  for (const policy::Category& category : policy::taxonomy()) {
    if ((mask & policy::bit(category.id)) == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(category.name);
  }
  return out;
}

/// What a policy refuses at all times, by its own `block` or by one above.
class Always {
 public:
  Always(const std::vector<Policy>& policies, const Policy& own) : policies_(policies), own_(own) {
    for (const Policy* one = &own; one != nullptr; one = above(*one)) mask_ |= one->blocked;
  }

  [[nodiscard]] CategoryMask mask() const { return mask_; }
  /// Whose `block` refuses all of it, or some.
  [[nodiscard]] std::string who(CategoryMask mask) const {
    if ((own_.blocked & mask) != 0) return "'block' of the same policy";
    for (const Policy* one = above(own_); one != nullptr; one = above(*one)) {
      if ((one->blocked & mask) != 0) return "'block' of policy '" + one->name + "' above";
    }
    return "nobody";
  }

 private:
  [[nodiscard]] const Policy* above(const Policy& one) const {
    return one.under == Policy::kNone ? nullptr : &policies_[one.under];
  }

  const std::vector<Policy>& policies_;
  const Policy& own_;
  CategoryMask mask_ = 0;
};

void doubt_categories(const TextNode* list, const std::string& path, const Always& always,
                      const std::string& useless, Faults& notes) {
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const CategoryMask mask = bit_of(list->items[i]) & always.mask();
    if (mask == 0) continue;
    notes.add(list->items[i].place, item_path(path, i),
              "'" + list->items[i].text + "' is refused at all times by " + always.who(mask),
              "take it out there, or here, where " + useless);
  }
}

/// Of categories that its hours refuse from `from` to `until` without a moment between.
CategoryMask refused_throughout(const Doubted& doubted, const Policy& policy) {
  std::vector<calendar::Toggles> toggles;
  std::set<std::int64_t> moments{doubted.from};
  CategoryMask refused = 0;
  for (const policy::Hours& hours : policy.hours) {
    auto found = calendar::toggles(doubted.config.times.calendar,
                                   doubted.config.times.schedules[hours.schedule].windows,
                                   doubted.from, doubted.until);
    if (!found) return 0;
    moments.insert(found->at.begin(), found->at.end());
    refused |= hours.categories;
    toggles.push_back(std::move(*found));
  }
  for (const std::int64_t moment : moments) {
    CategoryMask now = 0;
    for (std::size_t i = 0; i < toggles.size(); ++i) {
      if (toggles[i].holds(moment) != policy.hours[i].only_during)
        now |= policy.hours[i].categories;
    }
    refused &= now;
    if (refused == 0) break;
  }
  return refused;
}

/// Whether any name is on a list of the one and on a list of the other. Then that of a list is,
/// too: the longer one of the two that put it there.
bool have_in_common(const std::vector<policy::CuratedList>& lists, const policy::Only& one,
                    const policy::Only& other) {
  const policy::CuratedNames curated(lists);
  const auto is_on_both = [&](const std::string& text) {
    name::LookupName name;
    if (name::from_text(text, name) != name::Defect::none) return false;
    const std::uint64_t on = curated.lists_of(name);
    return (on & one.lists) != 0 && (on & other.lists) != 0;
  };
  return std::any_of(lists.begin(), lists.end(), [&](const policy::CuratedList& list) {
    return std::any_of(list.names.begin(), list.names.end(), is_on_both) ||
           std::any_of(list.needs.begin(), list.needs.end(), is_on_both);
  });
}

/// Which names a category will hold, nobody knows; of lists it is told.
void doubt_onlies(const Doubted& doubted, const TextNode& only, const Policy& policy,
                  const std::string& path, Faults& notes) {
  const policy::PolicySet& set = doubted.config.policy;
  for (auto at = policy.under; at != Policy::kNone; at = set.policies[at].under) {
    const Policy& above = set.policies[at];
    const bool by_lists = above.only && (above.only->categories | policy.only->categories) == 0 &&
                          above.only->lists != 0 && policy.only->lists != 0;
    if (!by_lists || have_in_common(set.curated, *policy.only, *above.only)) continue;
    notes.add(only.place, path,
              "no name is on its lists and on those of policy '" + above.name +
                  "' above, which has an 'only' as well, so that nothing passes",
              "name a list there that has both, or let it stand under another policy");
  }
}

void doubt_policy(const Doubted& doubted, const Member& member, const Policy& policy,
                  Faults& notes) {
  const std::string path = "policies." + policy.name;
  const Always always(doubted.config.policy.policies, policy);
  if (const TextNode* hours = find(member.value, "hours")) {
    for (std::size_t i = 0; i < hours->items.size(); ++i) {
      doubt_categories(find(hours->items[i], "categories"),
                       item_path(path + ".hours", i) + ".categories", always,
                       "hours decide nothing", notes);
    }
    const CategoryMask never = refused_throughout(doubted, policy) & ~always.mask();
    if (never != 0) {
      notes.add(hours->place, path + ".hours",
                "together they refuse " + in_words(never) + " at all times",
                "two of only_during let pass what both hold at once: for either, write one "
                "schedule of both");
    }
  }
  if (const TextNode* only = find(member.value, "only")) {
    const auto pause = doubted.config.modes.find(policy::kPause);
    const bool is_pause = pause != doubted.config.modes.end() && pause->second == policy.name;
    if (policy.only->lists == 0 && policy.only->categories == 0 && !is_pause) {
      notes.add(only->place, path + ".only",
                "names no list and no category, so that nothing passes",
                "name some; `sluicectl mode set` has the mode pause for that");
    }
    doubt_onlies(doubted, *only, policy, path + ".only", notes);
    doubt_categories(find(*only, "categories"), path + ".only.categories", always,
                     "it lets nothing through", notes);
  }
  const TextNode* const budgets = find(member.value, "budgets");
  for (std::size_t i = 0; budgets != nullptr && i < budgets->items.size(); ++i) {
    for (const policy::Budget& one : doubted.config.policy.budgets) {
      if (one.name != budgets->items[i].text || (one.categories & ~always.mask()) != 0) continue;
      notes.add(budgets->items[i].place, item_path(path + ".budgets", i),
                "all categories of '" + one.name + "' are refused at all times by " +
                    always.who(one.categories),
                "take them out there to have minutes spent");
    }
  }
  if (policy.name == "normal" ||
      (policy.name == policy::kPause && !doubted.config.modes.contains(policy::kPause))) {
    notes.add(member.key.place, path,
              "'" + policy.name + "' is a word of `sluicectl mode set` as well, where it means " +
                  (policy.name == "normal" ? "a group's own policy" : "this policy then"),
              "choose another name");
  }
}

/// Words under these keys of any policy.
std::set<std::string_view> named_by_policies(const TextNode& root) {
  std::set<std::string_view> out;
  const auto add_all = [&](const TextNode* list) {
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      out.insert(list->items[i].text);
    }
  };
  for (const Member* policy : entries(find(root, "policies"))) {
    add_all(find(policy->value, "budgets"));
    if (const TextNode* only = find(policy->value, "only")) add_all(find(*only, "lists"));
    const TextNode* const hours = find(policy->value, "hours");
    for (std::size_t i = 0; hours != nullptr && i < hours->items.size(); ++i) {
      for (const char* key : {"only_during", "not_during"}) {
        if (const TextNode* word = find(hours->items[i], key)) out.insert(word->text);
      }
    }
  }
  return out;
}

void doubt_unused(const Doubted& doubted, Faults& notes) {
  if (find(doubted.root, "layers") != nullptr) return;  // their owners may name them
  const auto named = named_by_policies(doubted.root);
  for (const char* key : {"schedules", "curated", "budgets"}) {
    for (const Member* member : entries(find(doubted.root, key))) {
      if (named.contains(member->key.text)) continue;
      notes.add(member->key.place, std::string(key) + "." + member->key.text, "no policy names it",
                "name it in one, or remove it");
    }
  }
}

void doubt_budgets(const Doubted& doubted, Faults& notes) {
  for (const Member* member : entries(find(doubted.root, "budgets"))) {
    const TextNode* const day = find(member->value, "minutes_a_day");
    const TextNode* const week = find(member->value, "minutes_a_week");
    const TextNode* const warn = find(member->value, "warn_at");
    const std::string path = "budgets." + member->key.text;
    if (day != nullptr && week != nullptr && week->number >= 7 * day->number) {
      notes.add(week->place, path + ".minutes_a_week",
                "is not less than seven days of " + day->text + " minutes, so it limits nothing",
                "give less, or leave it out");
    }
    const TextNode* const least = day != nullptr ? day : week;
    if (warn != nullptr && least != nullptr && warn->number >= least->number) {
      notes.add(warn->place, path + ".warn_at", "warns from the first minute on",
                "give less than " + least->text);
    }
  }
}

/// The category that keeps browsers from resolvers of their own is empty unless somebody fills it.
void doubt_resolvers(const Doubted& doubted, Faults& notes) {
  const auto fills = [](const Subscription& one) { return one.category == policy::kEncryptedDns; };
  const auto& subscriptions = doubted.config.subscriptions;
  if (std::any_of(subscriptions.begin(), subscriptions.end(), fills)) return;
  for (const Member* member : entries(find(doubted.root, "policies"))) {
    const TextNode* const block = find(member->value, "block");
    if (block == nullptr) continue;
    const auto is_it = [](const TextNode& word) {
      return word.text == "defaults" || word.text == "encrypted-dns";
    };
    if (!is_it(*block) && std::none_of(block->items.begin(), block->items.end(), is_it)) continue;
    notes.add(block->place, "policies." + member->key.text + ".block",
              "encrypted-dns is refused, but no subscription fills it, so that browsers get past "
              "by resolvers of their own",
              "subscribe to file:///usr/share/sluice/lists/encrypted-dns.txt");
    return;
  }
}

}  // namespace

void doubt_policies(const Doubted& doubted, Faults& notes) {
  for (const Member* member : entries(find(doubted.root, "policies"))) {
    for (const Policy& one : doubted.config.policy.policies) {
      if (one.name == member->key.text) doubt_policy(doubted, *member, one, notes);
    }
  }
  doubt_budgets(doubted, notes);
  doubt_unused(doubted, notes);
  doubt_resolvers(doubted, notes);
}

}  // namespace sluice::schema
