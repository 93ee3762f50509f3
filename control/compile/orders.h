// orders.jsonl: the notices that listed names stand under, one canonical JSON object a line.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "config/policy/taxonomy.h"
#include "control/compile/release.h"

namespace sluice::compile {

/// Of a whole file, uncompressed, and of a line.
inline constexpr std::uint64_t kMaxOrdersOctets = 64ULL * 1024 * 1024;
inline constexpr std::size_t kMaxOrderLine = 16'384;

struct Order {
  std::string order;  // the notice's reference
  const policy::Category* category = nullptr;
  std::string authority;
  std::string legal_basis;
  std::string issued;
  std::string review_by;
  std::string appeal_url;
  tuf::Time effective{};
  tuf::Time expires{};
  bool confirm_popular = false;  // it is meant to block a name that many people use
  bool active = true;  // a suspended or withdrawn order keeps its line, so that numbers stay

  [[nodiscard]] bool applies(tuf::Time now) const {
    return active && effective <= now && now < expires;
  }
  [[nodiscard]] generation::Provenance provenance(const std::string& department) const;
};

/// How long what was made of orders stays right, whichever way the clock is set.
struct Stretch {
  std::optional<tuf::Time> last_change;  // when one of them began or ended last
  std::optional<tuf::Time> next_change;  // and when one does next

  void consider(const Order& order, tuf::Time now);
  [[nodiscard]] bool holds(tuf::Time time) const {
    return (!last_change || *last_change <= time) && (!next_change || time < *next_change);
  }
};

/// Reads one order; `where` is "FILE:LINE". An unknown category names its nearest neighbour.
[[nodiscard]] Result<Order> parse_order(std::string_view line, const std::string& where);

/// Whether a department may list in a category; the emergency role may in any of an authority's.
[[nodiscard]] Status check_department(const Order& order, std::string_view department,
                                      const std::string& where);

/// Reads all orders of a list from its retained file, checks content hash and departments, and for
/// the emergency role that each order lasts 72 h at most.
[[nodiscard]] Result<std::vector<Order>> read_orders(const ReleaseList& list,
                                                     const std::filesystem::path& folder);

}  // namespace sluice::compile
