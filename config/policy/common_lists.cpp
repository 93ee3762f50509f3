// Lists of the names that several curated lists have in common.
#include <algorithm>
#include <map>
#include <set>

#include "config/policy/curated.h"

namespace sluice::policy {
namespace {

using Indices = std::set<std::uint16_t>;
constexpr std::size_t kMostChoices = 1024;  // of one meeting: far more than there is room for

/// Names by which a list tells one from another, by their reversed keys: an ancestor comes before
/// those below it.
using Marks = std::map<std::string, bool>;

Marks marks_of(const CuratedList& list) {
  Marks marks;
  for (const auto* names : {&list.names, &list.needs}) {
    for (const std::string& name : *names) marks[name::reversed_key(name)] = true;
  }
  for (const std::string& name : list.except) marks[name::reversed_key(name)] = false;
  return marks;
}

/// Whether the name is on the list, by the nearest of its marks.
bool is_on(const Marks& marks, std::string key) {
  for (;;) {
    if (const auto found = marks.find(key); found != marks.end()) return found->second;
    if (key.empty()) return false;
    key.pop_back();  // the last label's end
    const std::size_t label = key.rfind('.');
    key.resize(label == std::string::npos ? 0 : label + 1);
  }
}

CuratedList common_of(const std::vector<CuratedList>& lists, const Indices& of) {
  CuratedList out;
  std::vector<Marks> marks;
  for (const std::uint16_t one : of) {
    out.name += (out.name.empty() ? "" : " and ") + lists[one].name;
    out.all_of.push_back(one);
    marks.push_back(marks_of(lists[one]));
  }
  Marks all;
  for (const Marks& its : marks) all.insert(its.begin(), its.end());
  // Only what changes the answer: all of them travel in each generation.
  Marks told;
  for (const auto& [key, unused] : all) {
    const bool on = std::all_of(marks.begin(), marks.end(),
                                [&, &key = key](const Marks& its) { return is_on(its, key); });
    if (on == is_on(told, key)) continue;
    told[key] = on;
    (on ? out.names : out.except).push_back(name::from_reversed_key(key));
  }
  return out;
}

/// Which policies with an `only` may stand above one another, in any group and by any mode.
std::set<Indices> meetings(const PolicySet& set) {
  const auto index_of = [&](std::string_view name) {
    return static_cast<std::uint16_t>(
        std::find_if(set.policies.begin(), set.policies.end(),
                     [&](const Policy& one) { return one.name == name; }) -
        set.policies.begin());
  };
  const auto add = [&](std::uint16_t policy, Indices& to) {
    for (; policy < set.policies.size(); policy = set.policies[policy].under) {
      if (set.policies[policy].only) to.insert(policy);
    }
  };
  std::set<Indices> all_above;
  const auto meet = [&](std::string_view group, std::string_view policy) {
    Indices above;
    const std::uint16_t own = index_of(policy);
    if (own < set.policies.size()) add(set.policies[own].under, above);
    for (const Layer& layer : set.layers) {
      const bool its = layer.everybody || std::find(layer.groups.begin(), layer.groups.end(),
                                                    group) != layer.groups.end();
      if (its) add(index_of(layer.policy), above);
    }
    all_above.insert(std::move(above));
  };
  meet(kDefaultGroup, set.default_policy);
  for (const Group& group : set.groups) meet(group.name, group.policy);
  std::set<Indices> out;
  for (const Indices& above : all_above) {
    // By a mode, any policy may take the place of a group's own.
    for (std::uint16_t by = 0; by < set.policies.size(); ++by) {
      Indices all = above;
      add(by, all);
      if (all.size() > 1) out.insert(std::move(all));
    }
  }
  return out;
}

}  // namespace

std::size_t add_common_lists(PolicySet& set) {
  const auto limited = std::count_if(set.policies.begin(), set.policies.end(),
                                     [](const Policy& one) { return one.only.has_value(); });
  if (limited < 2) return 0;
  std::set<Indices> wanted;
  std::size_t left_out = 0;
  for (const Indices& policies : meetings(set)) {
    std::set<Indices> choices = {{}};
    for (const std::uint16_t policy : policies) {
      std::set<Indices> longer;
      for (const Indices& choice : choices) {
        for (std::uint16_t list = 0; list < set.curated.size(); ++list) {
          if ((set.policies[policy].only->lists >> list & 1) == 0) continue;
          Indices with = choice;
          with.insert(list);
          longer.insert(std::move(with));
        }
        if (longer.size() <= kMostChoices) continue;
        ++left_out;
        break;
      }
      choices = std::move(longer);
    }
    for (const Indices& choice : choices) {
      if (choice.size() > 1) wanted.insert(choice);
    }
  }
  for (const Indices& of : wanted) {
    if (set.curated.size() >= kMaxCuratedLists) {
      ++left_out;
      continue;
    }
    CuratedList list = common_of(set.curated, of);
    if (!list.names.empty()) set.curated.push_back(std::move(list));
  }
  return left_out;
}

}  // namespace sluice::policy
