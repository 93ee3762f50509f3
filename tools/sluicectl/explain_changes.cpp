// What would make a verdict another: what has to come together stands in one sentence, and each of
// several sentences is enough.
#include <algorithm>

#include "config/calendar/calendar.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
using policy::CategoryMask;
using Sentences = std::vector<std::string>;

std::string together(Sentences parts) {
  std::string out;
  for (auto one = parts.begin(); one != parts.end(); ++one) {
    if (std::find(parts.begin(), one, *one) != one) continue;
    out += (out.empty() ? "" : ", and ") + *one;
  }
  return out;
}

void add_new(Sentences& out, std::string sentence) {
  const bool fresh = std::find(out.begin(), out.end(), sentence) == out.end();
  if (fresh && !sentence.empty()) out.push_back(std::move(sentence));
}

std::string in_words(CategoryMask mask, const char* word = " and ") {
  std::string out;
  for (const auto& name : names_of(mask)) {
    out += (out.empty() ? "" : word) + name.get<std::string>();
  }
  return out;
}

CategoryMask mask_of_names(const ordered_json& names) {
  CategoryMask mask = 0;
  for (const auto& name : names) {
    const auto* const category = policy::find_category(name.get<std::string>());
    if (category != nullptr) mask |= policy::bit(category->id);
  }
  return mask;
}

/// The ways out of what the site's policies and those of others refuse.
Sentences of_layers(const Changing& what) {
  Sentences all;
  for (const Standing::Layer& layer : what.standing.layers) {
    const CategoryMask hit = layer.blocks & what.categories;
    const CategoryMask always = layer.policy.blocked & hit;
    if (always != 0) {
      all.push_back("policy '" + layer.policy.name + "' no longer blocking " + in_words(always));
    }
    for (const ordered_json& hours :
         hours_json(what.set, what.timetable, &layer.policy, what.categories, what.moment)) {
      if (!hours["blocks"].get<bool>() ||
          (mask_of_names(hours["categories"]) & hit & ~always) == 0) {
        continue;
      }
      const std::string schedule = "'" + hours["schedule"].get<std::string>() + "'";
      all.push_back(hours.contains("until")
                        ? "the schedule " + schedule + " at " + hours["until"].get<std::string>()
                        : "hours of policy '" + layer.policy.name + "' other than those by " +
                              schedule);
    }
  }
  return all;
}

/// Empty where nobody may make one.
std::string allow_by_the_site(CategoryMask mask) {
  const char* who = "the school";
  for (const policy::Category& category : policy::taxonomy()) {
    if ((mask & policy::bit(category.id)) == 0) continue;
    if (category.override_by == policy::Override::never) return "";
    if (category.override_by == policy::Override::admin) who = "the administrator";
  }
  return "an entry of the site that allows the name, which " + std::string(who) +
         " may make: sluicectl site allow";
}

/// By the calendar's clock, where it is more than a day.
std::string end_of(const ordered_json& record) {
  return record[record.contains("ends") ? "ends" : "expires"].get<std::string>();
}

bool counts(const ordered_json& record) {
  return !record["ended"].get<bool>() && !record["pending"].get<bool>();
}

/// The end of all entries that put the name into these categories.
std::string end_of_entries(const ordered_json& records, CategoryMask mask) {
  Sentences ends;
  for (const ordered_json& record : records) {
    const auto* const category = policy::find_category(record["category"].get<std::string>());
    if (record["disposition"] != "block" || !counts(record) || category == nullptr ||
        (mask & policy::bit(category->id)) == 0) {
      continue;
    }
    const auto is_of_the_name = [&](const ordered_json& other) {
      return other["listed_name"] == record["listed_name"];
    };
    const bool several = std::count_if(records.begin(), records.end(), is_of_the_name) > 1;
    ends.push_back("the end of the entry for " + record["listed_name"].get<std::string>() +
                   (several ? " in " + std::string(category->name) : "") +
                   (record.contains("expires") ? ", which is on " + end_of(record) : ""));
  }
  return together(std::move(ends));
}

/// How each `only` that refuses the name would let it through.
std::string through_lists(const Changing& what) {
  Sentences all;
  for (const Standing::Layer& layer : what.standing.layers) {
    if (!layer.policy.only || let_through(layer.policy, what.lists, what.categories) != "no") {
      continue;
    }
    const policy::Only& only = *layer.policy.only;
    std::string way =
        only.lists == 0 && only.categories != 0
            ? "an entry that puts the name into " + in_words(only.categories, " or ") +
                  ", which policy '" + layer.policy.name + "' lets through"
            : "the name, or one above it, on a list of policy '" + layer.policy.name + "'";
    for (const ordered_json& list : what.lists) {
      const ordered_json& by = list["policies"];
      const bool its = std::find(by.begin(), by.end(), layer.policy.name) != by.end();
      if (!its || !list["excepted"].get<bool>()) continue;
      way = "the exception '" + list["name"].get<std::string>() + "' taken out of the list '" +
            list["list"].get<std::string>() + "'";
    }
    all.push_back(std::move(way));
  }
  return together(std::move(all));
}

/// What of the device's minutes is used up, and how there would be more of them.
std::string more_minutes(const Changing& what) {
  Sentences all;
  for (const ordered_json& budget : what.budgets) {
    if (budget.value("state", "") != "exhausted") continue;
    const std::string name = budget["budget"].get<std::string>();
    const bool of_week = budget["minutes_a_week"] != 0 &&
                         budget.value("used_this_week", 0U) >= budget["minutes_a_week"];
    const std::string ends = of_week ? "" : budget.value("day_ends", "");
    std::string way = std::string("another ") + (of_week ? "week" : "day") + " of the budget '" +
                      name + "'" + (ends.empty() ? "" : ", from " + ends + " on");
    if (name.find('/') == std::string::npos) {
      way += ", or more minutes: sluicectl budget add";
    } else {
      way += ", or more minutes, which only " +
             owner_of(what.set, name.substr(0, name.rfind('/'))) + " gives";
    }
    all.push_back(std::move(way));
  }
  return together(std::move(all));
}

CategoryMask spent_on(const Changing& what) {
  CategoryMask mask = 0;
  for (const ordered_json& budget : what.budgets) {
    if (budget.value("state", "") == "exhausted") mask |= mask_of_names(budget["categories"]);
  }
  return mask & what.categories;
}

Sentences out_of_block(const policy::Verdict& verdict, const Changing& what) {
  Sentences out;
  CategoryMask mask = verdict.category == 0 ? 0 : policy::bit(verdict.category);
  switch (verdict.reason) {
    case policy::Reason::category:
      mask = what.categories & what.standing.masks.blocked;
      add_new(out, together(of_layers(what)));
      break;
    case policy::Reason::not_curated:
      add_new(out, through_lists(what));
      mask = what.categories;
      break;
    case policy::Reason::budget:
      add_new(out, more_minutes(what));
      mask = spent_on(what);
      break;
    case policy::Reason::paused:
      return out;
    default:
      break;
  }
  const bool liftable = verdict.reason != policy::Reason::emergency;
  if (liftable) add_new(out, allow_by_the_site(mask));
  if (verdict.reason != policy::Reason::not_curated) {
    add_new(out, end_of_entries(what.records, mask));
  }
  return out;
}

std::string end_of_allow(const ordered_json& records) {
  for (const ordered_json& record : records) {
    if (record["layer"] != "site" || record["disposition"] != "allow") continue;
    if (!counts(record) || !record.contains("expires")) continue;
    return "the end of the site's entry for " + record["listed_name"].get<std::string>() +
           ", which is on " + end_of(record);
  }
  return "an end of the site's entry";
}

Sentences out_of_rewrite(const Changing& what) {
  Sentences all;
  for (const Standing::Layer& layer : what.standing.layers) {
    if (layer.policy.safe_search != what.standing.masks.safe_search) continue;
    all.push_back("another safe_search of policy '" + layer.policy.name + "'");
  }
  return {together(std::move(all)), "a site's own allow of the name"};
}

Sentences out_of_pass(const policy::Verdict& verdict, const Changing& what) {
  switch (verdict.reason) {
    case policy::Reason::not_listed:
      return {"an entry for the name, or for one above it"};
    case policy::Reason::is_protected:
      return {"an end of its protection"};
    case policy::Reason::site_allow:
      return {end_of_allow(what.records)};
    default:
      break;
  }
  if (verdict.reason == policy::Reason::curated && verdict.category == 0) {
    return {"an end of its place on the list"};
  }
  const policy::Category* const category = policy::find_category(verdict.category);
  if (category == nullptr) return {};
  Sentences out;
  for (const Standing::Layer& layer : what.standing.layers) {
    for (const ordered_json& hours :
         hours_json(what.set, what.timetable, &layer.policy, what.categories, what.moment)) {
      if (hours["blocks"].get<bool>() || !hours.contains("until") ||
          (mask_of_names(hours["categories"]) & policy::bit(category->id)) == 0) {
        continue;
      }
      add_new(out, "the schedule '" + hours["schedule"].get<std::string>() + "' at " +
                       hours["until"].get<std::string>());
    }
  }
  for (const ordered_json& budget : what.budgets) {
    add_new(out,
            "the end of its minutes of the budget '" + budget["budget"].get<std::string>() + "'");
  }
  add_new(out,
          "policy '" + what.standing.policy.name + "' blocking " + std::string(category->name));
  return out;
}

}  // namespace

std::vector<std::string> what_would_change(const policy::Verdict& verdict, const Changing& what) {
  Sentences out = verdict.action == policy::Action::block         ? out_of_block(verdict, what)
                  : verdict.reason == policy::Reason::safe_search ? out_of_rewrite(what)
                                                                  : out_of_pass(verdict, what);
  const policy::Mode* const mode = what.standing.mode;
  const bool whatever_policy = verdict.reason == policy::Reason::is_protected ||
                               verdict.reason == policy::Reason::mandatory ||
                               verdict.reason == policy::Reason::emergency ||
                               verdict.reason == policy::Reason::site_allow;
  if (mode != nullptr && !whatever_policy) {
    add_new(out, "the end of the mode '" + mode->word + "' of " + policy::subject(*mode) + ", " +
                     mode_json(mode, what.set.time_zone)["ends"].get<std::string>());
  }
  return out;
}

}  // namespace sluice::ctl
