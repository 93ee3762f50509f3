// The decision, rule by rule.
#include <algorithm>

#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
using policy::CategoryMask;
using policy::Reason;

std::string joined(CategoryMask mask) {
  std::string out;
  for (const auto& name : names_of(mask)) {
    out += (out.empty() ? "" : ", ") + name.get<std::string>();
  }
  return out.empty() ? "none" : out;
}

/// The rules of section 5 one after the other, up to the one that decided.
class Steps {
 public:
  /// `engine`: the search engine that the name is; may be null.
  Steps(const policy::PolicySet& set, const generation::Answer& answer, const Standing& standing,
        const ordered_json& lists, const policy::SearchEngine* engine)
      : answer_(answer),
        layers_(standing.layers),
        set_(set),
        masks_(standing.masks),
        lists_(lists),
        engine_(engine) {}

  ordered_json until(const policy::Verdict& verdict) {
    const CategoryMask never = answer_.categories & policy::mandatory_categories();
    const CategoryMask watched = answer_.categories & masks_.watched;
    const Reason reason = verdict.reason;
    if (add(1, "is the name protected?", answer_.is_protected ? "yes" : "no",
            reason == Reason::is_protected)) {
      return steps_;
    }
    if (add(2, "in a category that nobody may lift, or listed in an emergency?",
            never != 0          ? "yes: " + joined(never)
            : answer_.emergency ? "yes: an emergency order"
                                : "no",
            reason == Reason::mandatory || reason == Reason::emergency)) {
      return steps_;
    }
    if (add(3, "does the site allow it?", answer_.local_allow ? "yes" : "no",
            reason == Reason::site_allow)) {
      return steps_;
    }
    if (add(4, "which categories is it in?", joined(answer_.categories),
            reason == Reason::not_listed)) {
      return steps_;
    }
    bool blocks = false;
    for (const Standing::Layer& layer : layers_) {
      blocks = add_layer(layer, !blocks && reason == Reason::category) || blocks;
    }
    if (blocks && reason == Reason::category) return steps_;
    if (add_only(reason)) return steps_;
    if ((masks_.budgeted & answer_.categories) != 0 &&
        add(5, "is the device's time for one of them used up?",
            reason == Reason::budget ? "yes" : "no", reason == Reason::budget)) {
      return steps_;
    }
    const bool safe = reason == Reason::safe_search;
    add(7, "does its policy watch one of them?", watched != 0 ? "yes: " + joined(watched) : "no",
        !safe);
    if (safe) {
      add(7, "is it a search engine's, for which its policy has safe search?",
          "yes: '" + engine_->name + "', " + std::string(policy::text(masks_.safe_search)), true);
    }
    return steps_;
  }

 private:
  /// Whether the layer blocks it; `first`: it decides then.
  bool add_layer(const Standing::Layer& layer, bool first) {
    const CategoryMask blocked = answer_.categories & layer.blocks;
    const std::string owner = owner_of(set_, layer.policy.name);
    add(5,
        "does policy '" + layer.policy.name + "'" + (owner == "site" ? "" : " of " + owner) +
            " block one of them?",
        blocked == 0                            ? "no"
        : (blocked & layer.policy.blocked) != 0 ? "yes: " + joined(blocked)
                                                : "yes, at this time: " + joined(blocked),
        first && blocked != 0);
    return blocked != 0;
  }
  /// Each `only`, which a name has to pass. Whether they decide it.
  bool add_only(Reason reason) {
    const bool refused = reason == Reason::not_curated || reason == Reason::paused;
    std::vector<const policy::Policy*> limited;
    for (const Standing::Layer& layer : layers_) {
      if (layer.policy.only) limited.push_back(&layer.policy);
    }
    bool decided = false;
    for (const policy::Policy* policy : limited) {
      const std::string answer = let_through(*policy, lists_, answer_.categories);
      const bool last = policy == limited.back();
      const bool decides = refused ? !decided && answer == "no" : reason == Reason::curated && last;
      decided = add(6, "is it on a list of what policy '" + policy->name + "' lets through alone?",
                    answer, decides) ||
                decided;
    }
    return decided;
  }
  bool add(int rule, std::string question, std::string answer, bool decides) {
    steps_.push_back({{"rule", rule},
                      {"question", std::move(question)},
                      {"answer", std::move(answer)},
                      {"decides", decides}});
    return decides;
  }

  const generation::Answer& answer_;
  const std::vector<Standing::Layer>& layers_;
  const policy::PolicySet& set_;
  const policy::Masks& masks_;
  const ordered_json& lists_;
  const policy::SearchEngine* engine_;
  ordered_json steps_ = ordered_json::array();
};

}  // namespace

std::string owner_of(const policy::PolicySet& set, const std::string& policy) {
  for (const policy::Layer& layer : set.layers) {
    if (layer.policy == policy) return layer.owner;
  }
  return "site";
}

ordered_json steps_json(const policy::PolicySet& set, const generation::Answer& answer,
                        const Standing& standing, const ordered_json& lists,
                        const policy::SearchEngine* engine, const policy::Verdict& verdict) {
  return Steps(set, answer, standing, lists, engine).until(verdict);
}

ordered_json switches_json(const Standing& standing) {
  ordered_json out = ordered_json::array();
  const auto add = [&](const char* name, std::string_view value, const auto& is_by) {
    ordered_json by = ordered_json::array();
    for (const Standing::Layer& layer : standing.layers) {
      if (is_by(layer.policy)) by.push_back(layer.policy.name);
    }
    if (!by.empty()) out.push_back({{"switch", name}, {"value", value}, {"by", std::move(by)}});
  };
  add("ech", "withhold", [](const policy::Policy& one) { return one.withhold_ech; });
  add("encrypted_dns_ports", "refuse",
      [](const policy::Policy& one) { return one.refuse_encrypted_dns; });
  add("safe_search", policy::text(standing.masks.safe_search), [&](const policy::Policy& one) {
    return one.safe_search != policy::SafeSearch::off &&
           one.safe_search == standing.masks.safe_search;
  });
  add("in_doubt", "refuse", [](const policy::Policy& one) { return one.strict; });
  return out;
}

}  // namespace sluice::ctl
