#include "control/site/entries.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/files/file.h"
#include "config/name/name.h"
#include "control/tuf/json.h"

namespace sluice::site {
namespace {

using generation::Disposition;
using nlohmann::json;

constexpr std::uint64_t kMaxOctets = 16 << 20;
constexpr const char* kFile = "entries.json";
constexpr const char* kCopy = "entries.copy.json";

std::optional<generation::Scope> parse_scope(const std::string& word) {
  for (const auto scope :
       {generation::Scope::tree, generation::Scope::exact, generation::Scope::subs}) {
    if (text(scope) == word) return scope;
  }
  return std::nullopt;
}

Result<Entry> read_entry(const json& one, const std::string& where) {
  tuf::FieldReader fields(one, where);
  Entry entry;
  entry.allow = fields.boolean("allow");
  entry.name = fields.text("name");
  const auto scope = parse_scope(fields.text("scope"));
  if (!scope) fields.fault("knows no such scope");
  entry.scope = scope.value_or(generation::Scope::tree);
  for (const std::string& name : fields.texts("categories")) {
    const policy::Category* category = policy::find_category(name);
    if (category == nullptr) fields.fault("knows no category '" + name + "'");
    if (category != nullptr) entry.categories |= policy::bit(category->id);
  }
  entry.who = fields.text("who");
  entry.uid = std::strtoll(fields.text("uid").c_str(), nullptr, 10);
  entry.reason = fields.text("reason");
  auto at = tuf::parse_time(fields.text("at"));
  if (!at) fields.fault("at is no time");
  entry.at = at.value_or(tuf::Time{});
  if (const std::string until = fields.text_or("until", ""); !until.empty()) {
    auto time = tuf::parse_time(until);
    if (!time) fields.fault("until is no time");
    entry.until = time.value_or(tuf::Time{});
  }
  auto canonical = name::canonical(entry.name);
  if (!canonical || *canonical != entry.name) fields.fault("the name is not in canonical form");
  if (entry.allow && !entry.until) fields.fault("an allow has no end");
  if (!fields.good()) return fields.failure();
  return entry;
}

Result<std::vector<Entry>> read_file(const std::filesystem::path& path) {
  auto bytes = files::read_bounded(path, kMaxOctets);
  if (!bytes) return fail(bytes.error());
  auto parsed = tuf::parse_strict(*bytes, path.string());
  if (!parsed) return fail(parsed.error());
  tuf::FieldReader fields(*parsed, path.string());
  std::vector<Entry> out;
  for (const json& one : fields.array("entries")) {
    auto entry = read_entry(one, path.string());
    if (!entry) return fail(entry.error());
    out.push_back(std::move(*entry));
  }
  if (!fields.good()) return fields.failure();
  return out;
}

Status check_category(const policy::Category& category, bool is_admin) {
  const std::string name = "'" + std::string(category.name) + "'";
  switch (category.override_by) {
    case policy::Override::school:
      return {};
    case policy::Override::admin:
      if (is_admin) return {};
      return fail("names of the category " + name + " are for the administrator to allow", {},
                  "ask for it as root, or tell the authority that the entry is wrong");
    default:
      return fail("nobody may allow a name of the category " + name, {},
                  "if the entry is wrong, tell the authority that lists it");
  }
}

}  // namespace

Result<LoadedEntries> load_entries(const std::filesystem::path& folder) {
  const bool there = files::is_there(folder / kFile);
  if (!there && !files::is_there(folder / kCopy)) return LoadedEntries{};
  auto entries = read_file(folder / kFile);
  if (entries) return LoadedEntries{std::move(*entries), {}};
  auto copy = read_file(folder / kCopy);
  if (!copy) return fail(entries.error());
  return LoadedEntries{std::move(*copy), entries.error().text() + " (its copy is used)"};
}

Status save_entries(const std::filesystem::path& folder, const std::vector<Entry>& entries) {
  json list = json::array();
  for (const Entry& entry : entries) list.push_back(to_json(entry));
  const json document = {{"entries", std::move(list)}};
  const std::string bytes = lenient_json_text(document, 1) + "\n";
  if (auto status = files::write_atomic(folder / kFile, bytes, 0600); !status) return status;
  // What was decided is on the disk; that there are two of it is for a disk that forgets.
  (void)files::write_atomic(folder / kCopy, bytes, 0600);
  return {};
}

Status check_entry(const Entry& entry, policy::CategoryMask covering, bool is_admin,
                   tuf::Time now) {
  if (entry.until && *entry.until <= now) {
    return fail("has an end that is past", entry.name, "give a later --until");
  }
  if (!entry.allow) return {};
  if (!entry.until) {
    return fail("an allow needs an end", entry.name, "give --until, a year from now at most");
  }
  if (*entry.until > now + kLongestAllow) {
    return fail("an allow lasts a year at most", entry.name, "give an earlier --until");
  }
  // What the authority lists it in matters where that is more than the person knew of.
  const policy::CategoryMask never = covering & policy::mandatory_categories();
  for (const policy::Category& category : policy::taxonomy()) {
    if (((entry.categories | never) & policy::bit(category.id)) == 0) continue;
    auto status = check_category(category, is_admin);
    if (!status) return fail(status.error().what, entry.name, status.error().advice);
  }
  return {};
}

compile::LocalContent content_of(const std::vector<Entry>& entries, tuf::Time now) {
  compile::LocalContent out;
  for (const Entry& entry : entries) {
    name::LookupName lookup;
    if (!entry.applies(now) || name::from_text(entry.name, lookup) != name::Defect::none) continue;
    const auto row = static_cast<std::uint32_t>(out.provenance.size());
    out.provenance.push_back({.department = std::string(compile::kSite),
                              .list = "own",
                              .authority = entry.who,
                              .legal_basis = entry.reason,
                              .listed_at = tuf::to_text(entry.at),
                              .expires = entry.until ? tuf::to_text(*entry.until) : ""});
    for (const policy::Category& category : policy::taxonomy()) {
      if ((entry.categories & policy::bit(category.id)) == 0) continue;
      out.entries.push_back(
          {std::string(lookup.view()),
           {row, category.id, entry.scope, entry.allow ? Disposition::allow : Disposition::block,
            generation::Layer::site}});
    }
  }
  std::stable_sort(out.entries.begin(), out.entries.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  return out;
}

std::vector<std::string> names_of(policy::CategoryMask mask) {
  std::vector<std::string> out;
  for (const policy::Category& category : policy::taxonomy()) {
    if ((mask & policy::bit(category.id)) != 0) out.emplace_back(category.name);
  }
  return out;
}

json to_json(const Entry& entry) {
  json out = {{"allow", entry.allow},       {"name", entry.name},
              {"scope", text(entry.scope)}, {"categories", names_of(entry.categories)},
              {"who", entry.who},           {"uid", std::to_string(entry.uid)},
              {"reason", entry.reason},     {"at", tuf::to_text(entry.at)}};
  if (entry.until) out["until"] = tuf::to_text(*entry.until);
  return out;
}

}  // namespace sluice::site
