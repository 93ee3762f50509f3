// Who may reach what: groups, their policies, and the verdict on a name (docs/DESIGN section 5).
// The same functions answer for the dataplane, for `explain` and for the replay tool.
//
// Thread safety: plain values; decide() and GroupTable::find() are const, allocate nothing, and are
// safe on the data path.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "config/policy/taxonomy.h"

namespace sluice::policy {

enum class Action : std::uint8_t { pass, block, log, rewrite };

/// Why: each value is one rule of the decision, in the order in which the rules are asked.
enum class Reason : std::uint8_t {
  not_listed,
  is_protected,
  mandatory,    // a category that nobody may override
  emergency,    // an entry of the emergency role
  site_allow,   // a local allow overruled a block
  category,     // the group blocks the category
  budget,       // the device has used up its time for the category
  not_curated,  // the group may reach what is on its lists only, and the name is on none
  paused,       // the same while a person has paused the group or the device
  watched,      // the group logs the category
  safe_search,  // a search engine's name, which the group reaches as its safe one
  curated,      // on a list of what the group may reach
  listed_only,  // listed, but the group neither blocks nor watches the category
};

[[nodiscard]] std::string_view text(Action action);
[[nodiscard]] std::string_view text(Reason reason);

/// What a blocked DNS query is answered with.
enum class DnsAnswer : std::uint8_t { nxdomain, address };
/// How a blocked TLS connection is refused: by RST both ways, by a fatal alert to the client and
/// RST to the server, or by silence.
enum class TlsRefusal : std::uint8_t { reset, alert, drop };
/// How a blocked QUIC connection is refused: by CONNECTION_CLOSE, or by silence.
enum class QuicRefusal : std::uint8_t { close, drop };
/// How a blocked HTTP request is refused: by a page that says why, or as TLS is by reset.
enum class HttpRefusal : std::uint8_t { page, reset };

/// What search engines are to hold back, where they have a name for it.
enum class SafeSearch : std::uint8_t { off, moderate, strict };

[[nodiscard]] std::string_view text(SafeSearch level);
[[nodiscard]] std::string_view text(TlsRefusal refusal);
[[nodiscard]] std::string_view text(QuicRefusal refusal);
[[nodiscard]] std::string_view text(HttpRefusal refusal);

struct BlockAnswer {
  DnsAnswer dns = DnsAnswer::nxdomain;
  std::optional<std::array<std::uint8_t, 4>> page_ipv4;  // for DnsAnswer::address
  std::optional<std::array<std::uint8_t, 16>> page_ipv6;
  std::uint32_t ttl_seconds = 30;  // at most 60
  TlsRefusal tls = TlsRefusal::reset;
  QuicRefusal quic = QuicRefusal::close;
  HttpRefusal http = HttpRefusal::page;
  bool guardian = false;  // the home profile: EDE 17 (Filtered) instead of 15 (Blocked)
};

/// A time that has a name, worked out for the stretch of PolicySet::schedules_from to
/// schedules_until: the moments at which it begins and ends, in seconds of Unix time, ascending.
struct Schedule {
  std::string name;
  bool active = false;  // at the beginning of the stretch
  std::vector<std::int64_t> toggles;

  /// At a moment within the stretch.
  [[nodiscard]] bool holds(std::int64_t moment) const {
    const auto passed = std::upper_bound(toggles.begin(), toggles.end(), moment);
    return active != ((passed - toggles.begin()) % 2 != 0);
  }
};

/// Categories that are blocked by the clock, besides those that always are.
struct Hours {
  std::uint16_t schedule = 0;  // index into PolicySet::schedules
  CategoryMask categories = 0;
  bool only_during = false;  // blocked while the schedule does not hold; else while it does
  bool cut = false;          // connections that are open when the block begins are cut
};

/// Names that a policy with `only` lets through, each with all names below it. Canonical.
struct CuratedList {
  std::string name;
  std::vector<std::string> names;
  std::vector<std::string> needs;   // what the pages of those load from elsewhere
  std::vector<std::string> except;  // names below those that are not let through
};

/// A search engine, or the like, that holds back what is not for minors where it is reached under
/// another name. Canonical names of kMaxSafeName octets at most, each of them exact.
struct SearchEngine {
  std::string name;
  std::vector<std::string> names;  // that are asked for
  std::string strict;              // that is asked for instead
  std::string moderate;            // at that level; empty: the same
};
inline constexpr std::size_t kMaxSafeName = 62;
inline constexpr std::size_t kMaxSearchEngines = 64;

/// Minutes that each device may spend in categories; see budget::Book for what a minute is.
struct Budget {
  std::string name;
  CategoryMask categories = 0;
  std::uint32_t minutes_a_day = 0;  // 0: no limit
  std::uint32_t minutes_a_week = 0;
  std::uint32_t warn_at = 10;  // minutes left
};
inline constexpr std::size_t kMaxBudgets = 32;

/// What one `only` lets through: a name that is on any of the lists, or in any of the categories.
struct Clause {
  std::uint64_t lists = 0;  // a bit for each of PolicySet::curated
  CategoryMask categories = 0;

  /// For a name that is on these lists, and in these categories.
  [[nodiscard]] bool holds(std::uint64_t its_lists, CategoryMask its_categories) const {
    return ((lists & its_lists) | (categories & its_categories)) != 0;
  }
  friend auto operator<=>(const Clause&, const Clause&) = default;
};

/// Whether each of them does.
[[nodiscard]] bool all_hold(const std::vector<Clause>& clauses, std::uint64_t its_lists,
                            CategoryMask its_categories);

/// Everything is refused but what is named here.
struct Only {
  std::uint64_t lists = 0;  // as in Clause
  CategoryMask categories = 0;
  /// What carries no name is refused too: other protocols, connections to addresses, and those that
  /// were open before.
  bool refuse_unnamed = true;
};

struct Policy {
  static constexpr std::uint16_t kNone = UINT16_MAX;

  std::string name;
  CategoryMask blocked = 0;
  CategoryMask watched = 0;
  /// What cannot be judged (malformed, too long, no room to keep it) is refused instead of passed.
  bool strict = false;
  std::vector<Hours> hours;
  /// ECH configurations are taken out of DNS answers.
  bool withhold_ech = false;
  /// DNS over TLS and QUIC on their port, 853, is refused.
  bool refuse_encrypted_dns = false;
  /// While nobody knows the time, or it is outside what was worked out: all categories of `hours`
  /// are blocked; else none of them.
  bool block_when_time_unknown = true;
  std::optional<Only> only;
  std::uint32_t budgets = 0;  // a bit for each of PolicySet::budgets
  SafeSearch safe_search = SafeSearch::off;
  /// Into PolicySet::policies: all that this one refuses is refused besides. No policy stands under
  /// itself, over however many others.
  std::uint16_t under = kNone;
};

using Mac = std::array<std::uint8_t, 6>;

/// VLAN identifiers of a frame: outer and, for QinQ, inner; 0 for absent.
struct VlanMatch {
  std::uint16_t outer = 0;
  std::uint16_t inner = 0;  // 0 in a rule: any
};

struct Prefix {
  std::array<std::uint8_t, 16> address{};  // IPv4 in the first four octets
  std::uint8_t length = 0;
  bool ipv6 = false;
  VlanMatch vlan;  // of a group: only there; 0: wherever it is
};

/// The devices that a policy is for.
struct Group {
  std::string name;
  std::string policy;  // by name
  std::vector<Mac> macs;
  std::vector<Prefix> prefixes;
  std::vector<VlanMatch> vlans;
  std::vector<std::string> ports;  // names of inside ports
};

/// Another policy for a group or a device, as a person switched it, for a while.
struct Mode {
  std::string word;   // as it was asked for: "pause", "study", "normal", …
  std::string group;  // by name; empty where it is a device's
  std::optional<Mac> mac;
  std::optional<Prefix> address;  // of one device
  std::string policy;             // by name; empty: the one that the group has anyhow
  std::int64_t from = 0;          // seconds of Unix time
  std::int64_t until = 0;         // not included; 0: until somebody ends it
  std::string who;
  std::string reason;
};
/// The group, or the device's address, as a person writes it.
[[nodiscard]] std::string subject(const Mode& mode);

/// A policy of another owner than the site: what it refuses is refused besides, whatever mode is
/// on.
struct Layer {
  std::string policy;  // by name
  std::string owner;   // as people know it
  bool everybody = false;
  std::vector<std::string> groups;  // else of these
};

/// The mode that lets nothing pass but what keeps a network together.
inline constexpr std::string_view kPause = "pause";

/// The group of devices that no group names.
inline constexpr std::string_view kDefaultGroup = "default";
inline constexpr std::size_t kMaxCuratedLists = 64;

struct PolicySet {
  std::vector<Policy> policies;
  std::vector<Group> groups;
  std::string default_policy;  // for devices of no group
  BlockAnswer answer;
  std::vector<CuratedList> curated;
  std::vector<SearchEngine> engines;
  std::vector<Layer> layers;
  std::vector<Mode> modes;  // one of a group or device at most
  std::vector<Budget> budgets;
  std::vector<std::int64_t> budget_days;   // moments at which days of budgets begin, ascending
  std::vector<std::int64_t> budget_weeks;  // likewise
  bool devices_by_address = false;         // else by MAC
  /// Other addresses of a device that is named by one of them are taken for that one.
  bool follow_addresses = true;
  std::vector<Schedule> schedules;
  std::int64_t schedules_from = 0;   // Unix time
  std::int64_t schedules_until = 0;  // not included
  std::string time_zone;             // by which people read and write times; empty: the system's
};

/// The document that travels in a generation, and back. from_json() checks everything: it reads
/// what another process wrote.
[[nodiscard]] std::string to_json(const PolicySet& set);
[[nodiscard]] Result<PolicySet> from_json(std::string_view json);

/// Of a word's size, so that it is handed over as one.
struct alignas(4) Verdict {
  Action action = Action::pass;
  Reason reason = Reason::not_listed;
  std::uint8_t category = 0;  // the one that decided; 0 for none
};

[[nodiscard]] bool stands_under_itself(const std::vector<Policy>& policies, std::uint16_t policy);

/// What holds for a group's devices at one moment: one line of memory for each group.
struct alignas(64) Masks {
  CategoryMask blocked = 0;
  CategoryMask watched = 0;
  CategoryMask cut = 0;  // connections of these categories end once they are blocked
  Clause only = {};      // of an `only`, where there is one
  /// Of others that stand over the same group: a name has to pass each. nullptr: there are none.
  /// They are the Timetable's that gave these masks, and there as long as it is.
  const std::vector<Clause>* further = nullptr;
  CategoryMask budgeted = 0;  // in which minutes are spent
  std::uint32_t budgets = 0;  // of which budgets
  bool curated : 1 = false;   // there is an `only`
  bool refuse_unnamed : 1 = false;
  bool paused : 1 = false;
  bool strict : 1 = false;
  bool withhold_ech : 1 = false;
  bool refuse_encrypted_dns : 1 = false;
  bool in_force : 1 = true;  // of a device's mode: false once it has ended
  SafeSearch safe_search = SafeSearch::off;

  /// Where `curated`: whether each `only` lets a name through that is on these lists and in these
  /// categories.
  [[nodiscard]] bool lets_through(std::uint64_t lists, CategoryMask categories) const {
    return only.holds(lists, categories) &&
           (further == nullptr || all_hold(*further, lists, categories));
  }
  friend bool operator==(const Masks&, const Masks&) = default;
};
static_assert(sizeof(Masks) == 64);

/// What holds where both do: each may only tighten. But for the clauses of `only`, which Timetable
/// gathers.
[[nodiscard]] Masks tightened(const Masks& one, const Masks& other);

/// Section 5's rules in order, for a name's flattened answer and a group's masks.
[[nodiscard]] Verdict decide_listed(const generation::Answer& answer, CategoryMask blocked,
                                    CategoryMask watched);
[[nodiscard]] inline Verdict decide(const generation::Answer& answer, CategoryMask blocked,
                                    CategoryMask watched) {
  // Most names: nothing is said of them.
  if (answer.categories == 0 && !answer.is_protected && !answer.local_allow) return {};
  return decide_listed(answer, blocked, watched);
}

/// The same where a group may have an `only`; `lists`: which of PolicySet::curated the name is on.
[[nodiscard]] Verdict decide(const generation::Answer& answer, const Masks& masks,
                             std::uint64_t lists);

/// Rule 7 for the name of a search engine that is asked for in DNS, and was let through. The
/// category stays, so that one that is watched is counted all the same.
[[nodiscard]] inline Verdict decide_safe_search(Verdict verdict, const Masks& masks) {
  const bool always =
      verdict.reason == Reason::is_protected || verdict.reason == Reason::site_allow;
  if (masks.safe_search == SafeSearch::off || verdict.action == Action::block || always) {
    return verdict;
  }
  const std::uint8_t category = verdict.action == Action::log ? verdict.category : std::uint8_t{0};
  return {Action::rewrite, Reason::safe_search, category};
}

/// "192.0.2.0/24", "2001:db8::/32"; host bits must be zero.
[[nodiscard]] Result<Prefix> parse_prefix(std::string_view text);
/// The same, which may have the VLAN behind it that it is in: 10.7.0.0/16@20, and @20.7 in QinQ.
[[nodiscard]] Result<Prefix> parse_placed_prefix(std::string_view text);
[[nodiscard]] std::string text(const Prefix& prefix);
/// "02:00:5e:10:00:01"
[[nodiscard]] Result<Mac> parse_mac(std::string_view text);
[[nodiscard]] std::string text(const Mac& mac);

}  // namespace sluice::policy
