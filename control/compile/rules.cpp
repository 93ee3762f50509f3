#include "control/compile/rules.h"

#include <algorithm>
#include <cmath>

#include <yaml-cpp/yaml.h>

#include "config/files/file.h"
#include "config/policy/taxonomy.h"
#include "control/compile/public_suffix.h"
#include "control/compile/rollout.h"
#include "control/compile/zstd_lines.h"

namespace sluice::compile {
namespace {

constexpr std::uint64_t kMaxYaml = 65'536;
constexpr std::uint64_t kMaxPolicyNames = 100'000;
constexpr const char* kTellAuthority = "the release is refused; tell the authority";

const ListFile* find_file(const std::vector<ListFile>& files, std::string_view path) {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const ListFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

std::uint64_t ratio(const YAML::Node& node, std::uint64_t fallback) {
  if (!node) return fallback;
  const double value = node.as<double>();
  if (!(value >= 0 && value <= 1000)) throw YAML::Exception(node.Mark(), "is no ratio");
  return static_cast<std::uint64_t>(std::llround(value * 1e6));
}

std::uint64_t count(const YAML::Node& node, std::uint64_t fallback) {
  return node ? node.as<std::uint64_t>() : fallback;
}

/// What may be left out. Anything else would be walked over as if it were: a guard that was meant,
/// and is not there.
const YAML::Node& list(const YAML::Node& node) {
  if (node && !node.IsSequence()) throw YAML::Exception(node.Mark(), "is no list");
  return node;
}

std::vector<std::string> names(const YAML::Node& node) {
  std::vector<std::string> out;
  for (const auto& item : list(node)) {
    auto name = name::canonical(item.as<std::string>());
    if (!name) throw YAML::Exception(item.Mark(), name.error().text());
    out.push_back(*name);
  }
  return out;
}

/// A list of names without orders, as CPL. `each_for_itself`: no name stands for those below it.
Result<NameSet> read_names(const std::vector<ListFile>& files, std::string_view path,
                           const std::filesystem::path& folder, bool each_for_itself) {
  const ListFile* file = find_file(files, path);
  if (file == nullptr) {
    return fail("is named by guards.yaml and not signed", std::string(path), kTellAuthority);
  }
  auto lines = ZstdLines::open(folder / file->stored_name(), file->path,
                               kMaxListHeader + kMaxPolicyNames * kMaxListLine, kMaxListLine);
  if (!lines) return fail(lines.error());
  std::vector<NameSet::Entry> entries;
  CplEntry entry;
  for (;;) {
    auto line = lines->next();
    if (!line) return fail(line.error());
    if (!*line) return NameSet(std::move(entries));
    if ((*line)->starts_with('#')) continue;
    bool is_url = false;
    const auto fault = parse_cpl_line(**line, SIZE_MAX, entry, is_url);
    if (fault) return fail(fault->what, lines->where(fault->column), kTellAuthority);
    if (is_url) continue;
    const auto scope = each_for_itself ? generation::Scope::exact : entry.scope;
    entries.push_back({std::string(entry.name.view()), scope});
  }
}

Status read_source(const std::string& source, const std::vector<ListFile>& files,
                   const std::filesystem::path& folder, Rules& rules) {
  const auto put = [&](NameSet& into, Result<NameSet> read) -> Status {
    if (!read) return fail(read.error());
    into = std::move(*read);
    return {};
  };
  if (source == "builtin-public-suffix-list") {
    return put(rules.public_suffixes, read_public_suffixes());
  }
  if (source == "target:policy/protected.cpl.zst") {
    return put(rules.protected_names, read_names(files, kProtectedFile, folder, false));
  }
  if (source == "popularity-top1k" || source == "target:policy/popular.cpl.zst") {
    return put(rules.popular, read_names(files, kPopularFile, folder, true));
  }
  return fail("knows no source of names '" + source + "'", std::string(kGuardsFile),
              "update Sluice, or tell the authority");
}

Status read_guards(const YAML::Node& guards, const std::vector<ListFile>& files,
                   const std::filesystem::path& folder, Rules& rules) {
  if (const YAML::Node size = guards["size"]) {
    rules.min_ratio = ratio(size["min_ratio"], rules.min_ratio);
    rules.max_ratio = ratio(size["max_ratio"], rules.max_ratio);
    rules.min_entries = count(size["min_entries_to_apply"], rules.min_entries);
  }
  if (const YAML::Node churn = guards["churn"]) {
    rules.max_removed_ratio = ratio(churn["max_removed_ratio"], rules.max_removed_ratio);
  }
  if (const YAML::Node what_if = guards["what_if"]) {
    rules.max_lifted_ratio = ratio(what_if["max_lifted_ratio"], rules.max_lifted_ratio);
    rules.max_new_ratio = ratio(what_if["max_new_ratio"], rules.max_new_ratio);
  }
  if (const YAML::Node probes = guards["probes"]) {
    rules.must_hit = names(probes["must_hit"]);
    rules.must_miss = names(probes["must_miss"]);
  }
  const YAML::Node sources = guards["never_block"];
  for (const auto& item : list(sources)) {
    auto status = read_source(item["source"].as<std::string>(), files, folder, rules);
    if (!status) return status;
  }
  return {};
}

/// Ids are bits of every generation and policy there is: a taxonomy that numbers them otherwise
/// would make one category pass for another.
Status read_taxonomy(const YAML::Node& taxonomy, Rules& rules) {
  rules.categories.emplace();
  for (const auto& item : taxonomy["categories"]) {
    const auto id = item["id"].as<unsigned>();
    const auto name = item["name"].as<std::string>();
    const policy::Category* known = policy::find_category(name);
    const policy::Category* other =
        id < 64 ? policy::find_category(static_cast<std::uint8_t>(id)) : nullptr;
    if ((known != nullptr && known->id != id) ||
        (other != nullptr && std::string_view(other->name) != name)) {
      return fail("gives '" + name + "' the id " + std::to_string(id) +
                      ", which is not so on this appliance",
                  std::string(kTaxonomyFile), kTellAuthority);
    }
    rules.categories->insert(name);
  }
  return {};
}

template <class Read>
Status read_yaml(const std::vector<ListFile>& files, std::string_view path,
                 const std::filesystem::path& folder, Read read) {
  const ListFile* file = find_file(files, path);
  if (file == nullptr) return {};
  auto bytes = files::read_bounded(folder / file->stored_name(), kMaxYaml);
  if (!bytes) return fail(bytes.error());
  try {
    return read(YAML::Load(*bytes));
  } catch (const YAML::Exception& fault) {
    return fail(fault.what(), std::string(path), kTellAuthority);
  }
}

}  // namespace

bool is_policy_file(std::string_view path) {
  return path == kGuardsFile || path == kTaxonomyFile || path == kProtectedFile ||
         path == kPopularFile || path == kLayersFile || path == kRolloutFile;
}

NameSet::NameSet(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.key != b.key ? a.key < b.key : a.scope < b.scope;
  });
  for (Entry& entry : entries) {
    if (!covers(entry.key)) entries_.push_back(std::move(entry));
  }
}

std::size_t NameSet::first_above(std::string_view key) const {
  const auto fits = [&](std::size_t at) {
    return at <= entries_.size() && (at == 0 || entries_[at - 1].key <= key) &&
           (at == entries_.size() || key < entries_[at].key);
  };
  if (fits(last_)) return last_;
  const auto found = std::upper_bound(entries_.begin(), entries_.end(), key,
                                      [](std::string_view k, const Entry& e) { return k < e.key; });
  return last_ = static_cast<std::size_t>(found - entries_.begin());
}

// None of them covers another, so that the nearest one before is the only one that may cover a
// name.
bool NameSet::covers(std::string_view key) const {
  const std::size_t above = first_above(key);
  if (above == 0) return false;
  const Entry& nearest = entries_[above - 1];
  if (nearest.key == key) return nearest.scope != generation::Scope::subs;
  return nearest.scope != generation::Scope::exact && key.starts_with(nearest.key);
}

bool NameSet::is_reached_by(std::string_view key, generation::Scope scope) const {
  const std::size_t above = first_above(key);
  if (above > 0 && entries_[above - 1].key == key) return true;
  return scope != generation::Scope::exact && above < entries_.size() &&
         entries_[above].key.starts_with(key);
}

std::string_view Rules::drops(const CplEntry& entry, const Order& order) const {
  // Marks that permit: nobody is kept from anything by them.
  if (order.category->minors_default == policy::MinorsDefault::allow) return {};
  const std::string_view key = entry.name.view();
  if (protected_names.covers(key)) return "protected";
  if (entry.scope != generation::Scope::exact && public_suffixes.covers(key)) {
    return "public-suffix";
  }
  if (!order.confirm_popular && popular.is_reached_by(key, entry.scope)) return "popular";
  return {};
}

Result<Rules> read_rules(const std::vector<ListFile>& files, const std::filesystem::path& folder) {
  Rules rules;
  auto status = read_yaml(files, kGuardsFile, folder, [&](const YAML::Node& node) {
    return read_guards(node, files, folder, rules);
  });
  if (status) {
    status = read_yaml(files, kTaxonomyFile, folder,
                       [&](const YAML::Node& node) { return read_taxonomy(node, rules); });
  }
  if (!status) return fail(status.error());
  return rules;
}

Status check_categories(const Rules& rules, const std::vector<Order>& orders,
                        const std::string& where) {
  if (!rules.categories) return {};
  for (const Order& order : orders) {
    if (rules.categories->contains(std::string(order.category->name))) continue;
    return fail("order " + order.order + " is in the category '" +
                    std::string(order.category->name) + "', which the signed taxonomy has not",
                where, kTellAuthority);
  }
  return {};
}

}  // namespace sluice::compile
