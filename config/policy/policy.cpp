#include "config/policy/policy.h"

#include <algorithm>

namespace sluice::policy {

std::string_view text(Action action) {
  switch (action) {
    case Action::pass:
      return "pass";
    case Action::block:
      return "block";
    case Action::log:
      return "log";
    case Action::rewrite:
      return "rewrite";
  }
  return "unknown";
}

std::string_view text(Reason reason) {
  switch (reason) {
    case Reason::not_listed:
      return "not-listed";
    case Reason::is_protected:
      return "protected";
    case Reason::mandatory:
      return "mandatory";
    case Reason::emergency:
      return "emergency";
    case Reason::site_allow:
      return "site-allow";
    case Reason::category:
      return "category";
    case Reason::budget:
      return "budget";
    case Reason::not_curated:
      return "not-curated";
    case Reason::paused:
      return "paused";
    case Reason::watched:
      return "watched";
    case Reason::safe_search:
      return "safe-search";
    case Reason::curated:
      return "curated";
    case Reason::listed_only:
      return "listed-only";
  }
  return "unknown";
}

std::string_view text(SafeSearch level) {
  if (level == SafeSearch::off) return "off";
  return level == SafeSearch::strict ? "strict" : "moderate";
}

std::string_view text(TlsRefusal refusal) {
  if (refusal == TlsRefusal::alert) return "alert";
  return refusal == TlsRefusal::drop ? "drop" : "reset";
}

std::string_view text(QuicRefusal refusal) {
  return refusal == QuicRefusal::drop ? "drop" : "close";
}

std::string_view text(HttpRefusal refusal) {
  return refusal == HttpRefusal::reset ? "reset" : "page";
}

bool all_hold(const std::vector<Clause>& clauses, std::uint64_t its_lists,
              CategoryMask its_categories) {
  return std::all_of(clauses.begin(), clauses.end(),
                     [&](const Clause& one) { return one.holds(its_lists, its_categories); });
}

Verdict decide_listed(const generation::Answer& answer, CategoryMask blocked,
                      CategoryMask watched) {
  if (answer.is_protected) return {Action::pass, Reason::is_protected, 0};
  if (answer.categories == 0) {
    return {Action::pass, answer.local_allow ? Reason::site_allow : Reason::not_listed, 0};
  }
  if (const CategoryMask never = answer.categories & mandatory_categories(); never != 0) {
    return {Action::block, Reason::mandatory, most_severe(never)};
  }
  if (answer.emergency) {
    return {Action::block, Reason::emergency, most_severe(answer.categories)};
  }
  // The categories that nobody may override were dealt with above.
  if (answer.local_allow) {
    return {Action::pass, Reason::site_allow, most_severe(answer.categories)};
  }
  if (const CategoryMask hit = answer.categories & blocked; hit != 0) {
    return {Action::block, Reason::category, most_severe(hit)};
  }
  if (const CategoryMask hit = answer.categories & watched; hit != 0) {
    return {Action::log, Reason::watched, most_severe(hit)};
  }
  return {Action::pass, Reason::listed_only, most_severe(answer.categories)};
}

Verdict decide(const generation::Answer& answer, const Masks& masks, std::uint64_t lists) {
  Verdict verdict = decide(answer, masks.blocked, masks.watched);
  const bool hangs = verdict.reason == Reason::not_listed ||
                     verdict.reason == Reason::listed_only || verdict.reason == Reason::watched;
  if (!masks.curated || !hangs) return verdict;
  if (!masks.lets_through(lists, answer.categories)) {
    return {Action::block, masks.paused ? Reason::paused : Reason::not_curated, 0};
  }
  if (verdict.reason != Reason::watched) verdict.reason = Reason::curated;
  return verdict;
}

bool stands_under_itself(const std::vector<Policy>& policies, std::uint16_t policy) {
  std::size_t steps = 0;
  for (std::uint16_t at = policies[policy].under; at != Policy::kNone; at = policies[at].under) {
    if (at == policy || ++steps > policies.size()) return true;
  }
  return false;
}

Masks tightened(const Masks& one, const Masks& other) {
  Masks both = one;
  both.blocked |= other.blocked;
  both.watched |= other.watched;
  both.cut |= other.cut;
  both.budgeted |= other.budgeted;
  both.budgets |= other.budgets;
  both.strict |= other.strict;
  both.withhold_ech |= other.withhold_ech;
  both.refuse_encrypted_dns |= other.refuse_encrypted_dns;
  both.safe_search = std::max(one.safe_search, other.safe_search);
  both.curated |= other.curated;
  both.refuse_unnamed |= other.refuse_unnamed;
  return both;
}

std::string subject(const Mode& mode) {
  if (mode.mac) return text(*mode.mac);
  if (!mode.address) return mode.group;
  const std::string prefix = text(*mode.address);
  return prefix.substr(0, prefix.find('/'));
}

}  // namespace sluice::policy
