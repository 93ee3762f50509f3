#include "config/policy/taxonomy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

namespace sluice::policy {
namespace {

using enum Override;
using D = MinorsDefault;

constexpr std::array kTaxonomy = {
    Category{1, 90, "pornography", "淫秽色情", "cyberspace", admin, D::block},
    Category{2, 50, "vulgar", "低俗内容", "cyberspace", school, D::block},
    Category{3, 80, "violence", "暴力", "police", admin, D::block},
    Category{4, 100, "terror", "恐怖", "police", never, D::block},
    Category{5, 95, "self-harm", "自残自杀诱导", "cyberspace", admin, D::block},
    Category{6, 92, "crime-incitement", "教唆犯罪", "police", admin, D::block},
    Category{7, 70, "bullying", "网络欺凌", "cyberspace", school, D::block},
    Category{8, 78, "gambling", "赌博", "police", admin, D::block},
    Category{9, 82, "fraud", "诈骗与敲诈", "police", admin, D::block},
    Category{10, 76, "privacy-theft", "非法获取个人隐私", "police", admin, D::block},
    Category{11, 88, "drugs", "毒品", "police", admin, D::block},
    Category{12, 45, "superstition", "封建迷信", "cyberspace", school, D::block},
    Category{13, 86, "malware", "恶意软件", "telecom", admin, D::block},
    Category{14, 84, "phishing", "网络钓鱼", "telecom", admin, D::block},
    Category{15, 60, "popup", "恶意弹窗", "cyberspace", school, D::block},
    Category{16, 40, "illegal-ads", "违法广告", "market-regulation", school, D::block},
    Category{17, 55, "games-unlicensed", "未经审批的游戏", "press", admin, D::block},
    Category{18, 30, "games", "网络游戏", "press", school, D::calendar},
    Category{19, 25, "novels", "网络小说", "press", school, D::calendar},
    Category{20, 28, "live", "网络直播", "cyberspace", school, D::calendar},
    Category{21, 26, "video", "短视频与视频", "cyberspace", school, D::calendar},
    Category{22, 20, "social", "社交平台", "site", school, D::off},
    Category{23, 10, "ads", "广告", "site", school, D::off},
    Category{24, 8, "tracking", "跟踪", "site", school, D::off},
    Category{25, 35, "encrypted-dns", "加密 DNS", "site", school, D::block},
    Category{26, 36, "proxy", "代理", "site", school, D::block},
    Category{40, 1, "learning", "学习平台", "education", not_applicable, D::allow},
    Category{41, 0, "protected", "受保护名称", "education", not_applicable, D::allow},
    // What a monitor-only subscription lists, of whatever category: it is counted, never blocked.
    Category{kMonitored, 2, "monitored", "仅监测", "site", not_applicable, D::off},
};

constexpr auto make_by_id() {
  std::array<const Category*, 64> table{};
  for (const Category& category : kTaxonomy) table[category.id] = &category;
  return table;
}
constexpr auto kById = make_by_id();

constexpr CategoryMask make_mandatory() {
  CategoryMask mask = 0;
  for (const Category& category : kTaxonomy) {
    if (category.override_by == never) mask |= bit(category.id);
  }
  return mask;
}
constexpr CategoryMask kMandatory = make_mandatory();

constexpr CategoryMask make_known() {
  CategoryMask mask = 0;
  for (const Category& category : kTaxonomy) mask |= bit(category.id);
  return mask;
}
constexpr CategoryMask kKnown = make_known();

// Levenshtein distance; the words are short.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const Category> taxonomy() { return kTaxonomy; }

const Category* find_category(std::string_view name) {
  const auto* found = std::find_if(kTaxonomy.begin(), kTaxonomy.end(),
                                   [&](const Category& category) { return category.name == name; });
  return found == kTaxonomy.end() ? nullptr : found;
}

const Category* find_category(std::uint8_t id) { return id < kById.size() ? kById[id] : nullptr; }

CategoryMask mandatory_categories() { return kMandatory; }

std::uint8_t most_severe(CategoryMask mask) {
  mask &= kKnown;
  if (mask == 0) return 0;
  auto best = static_cast<std::uint8_t>(std::countr_zero(mask));
  for (mask &= mask - 1; mask != 0; mask &= mask - 1) {
    const auto id = static_cast<std::uint8_t>(std::countr_zero(mask));
    if (kById[id]->severity > kById[best]->severity) best = id;
  }
  return best;
}

const Category* nearest_category(std::string_view name) {
  const Category* best = nullptr;
  std::size_t distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const Category& category : kTaxonomy) {
    const std::size_t d = edit_distance(name, category.name);
    if (d < distance) {
      distance = d;
      best = &category;
    }
  }
  return best;
}

}  // namespace sluice::policy
