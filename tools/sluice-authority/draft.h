// A department's list while it is worked on: orders, and names under them, kept as two text files
// that a person can read and compare.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "control/tuf/json.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct DraftEntry {
  generation::Scope scope = generation::Scope::tree;
  std::uint32_t order = 0;  // line of orders.jsonl, from 0
};

/// Five million names are worked on by people who wait: so they stay the text that they are in the
/// file, and a change is one pass over it.
struct Draft {
  std::string department;
  std::vector<tuf::Json> orders;
  std::string names;          // "name TAB match TAB order LF", ascending by reversed key, as in CPL
  std::uint64_t entries = 0;  // lines of names

  /// The bodies of the payloads; `seq` goes into the list's header.
  [[nodiscard]] std::string cpl(std::uint64_t seq) const;
  [[nodiscard]] std::string orders_jsonl() const;
};

[[nodiscard]] Result<Draft> load_draft(const Workspace& workspace, const std::string& department);
[[nodiscard]] Status save_draft(const Workspace& workspace, const Draft& draft);
/// How many names stand under each order, by its line.
[[nodiscard]] std::vector<std::uint64_t> names_by_order(const Draft& draft);

/// What `add` and `import` say of the notice behind the names. Empty fields keep what an order
/// already says, or take a default.
struct OrderFields {
  std::string order;
  std::string category;
  std::string authority;
  std::string legal_basis;
  std::string issued;
  std::string effective;
  std::string expires;
  std::string review_by;
  std::string appeal_url;
  bool confirm_popular = false;  // the names are meant, though many people use them
};

/// UTF-8 without control characters: a line of a text file holds it.
[[nodiscard]] bool is_one_line(std::string_view text);

/// Finds the order with this reference and category, or adds it, and brings it up to date. The
/// result is its line. Refuses what appliances would refuse.
[[nodiscard]] Result<std::uint32_t> put_order(Draft& draft, const OrderFields& fields,
                                              tuf::Time now);

struct Change {
  std::uint64_t added = 0;
  std::uint64_t changed = 0;  // listed before, now under another order or match
  std::uint64_t unchanged = 0;
};

/// Lists names, given by their reversed keys. `replace` false: a name that is listed already stays
/// as it is and counts as unchanged.
[[nodiscard]] Change put_names(Draft& draft, std::span<const std::string_view> keys,
                               DraftEntry entry, bool replace);

/// Returns how many of the names were listed.
std::uint64_t remove_names(Draft& draft, std::span<const std::string_view> keys);

}  // namespace sluice::authority
