// The closed taxonomy of child-protection categories. A category is one bit of a 64-bit mask; ids
// are stable and never reused. Nothing outside this table is accepted from any list.
//
// Thread safety: constant data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::policy {

using CategoryMask = std::uint64_t;

/// Who may locally allow a name of the category.
enum class Override : std::uint8_t { never, admin, school, not_applicable };

/// What a policy that says nothing about the category does for minors.
enum class MinorsDefault : std::uint8_t { block, calendar, off, allow };

struct Category {
  std::uint8_t id;        // the bit, 1..63
  std::uint8_t severity;  // the higher one is named when a name is in several
  std::string_view name;
  std::string_view name_zh;
  std::string_view department;
  Override override_by;
  MinorsDefault minors_default;
};

/// The category of names that only monitor-only subscriptions list. No policy can block it, and no
/// list but those is in it.
inline constexpr std::uint8_t kMonitored = 63;

/// Categories of services, not of pages.
inline constexpr std::uint8_t kEncryptedDns = 25;
inline constexpr std::uint8_t kProxy = 26;

[[nodiscard]] constexpr CategoryMask bit(std::uint8_t id) { return CategoryMask{1} << id; }

/// All categories, ascending by id.
[[nodiscard]] std::span<const Category> taxonomy();

/// nullptr when there is none.
[[nodiscard]] const Category* find_category(std::string_view name);
[[nodiscard]] const Category* find_category(std::uint8_t id);

/// Union of the categories whose override is `never`.
[[nodiscard]] CategoryMask mandatory_categories();

/// The id of the highest severity in a mask, ties to the lower id; 0 for an empty mask. Constant
/// time in the number of set bits; safe on the data path.
[[nodiscard]] std::uint8_t most_severe(CategoryMask mask);

/// The category whose name is nearest to a misspelt one, or nullptr when none is near.
[[nodiscard]] const Category* nearest_category(std::string_view name);

}  // namespace sluice::policy
