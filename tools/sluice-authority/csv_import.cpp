#include "tools/sluice-authority/csv_import.h"

#include <algorithm>
#include <set>

#include "config/files/file.h"
#include "config/policy/taxonomy.h"
#include "control/compile/cpl.h"
#include "tools/sluice-authority/csv_file.h"
#include "tools/sluice-authority/progress.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxTable = std::uint64_t{1} << 30;
constexpr std::size_t kFirstPlaces = 3;

struct Column {
  const char* name;
  std::string OrderFields::*field;
};
constexpr Column kOrderColumns[] = {
    {"category", &OrderFields::category},    {"order", &OrderFields::order},
    {"authority", &OrderFields::authority},  {"legal_basis", &OrderFields::legal_basis},
    {"issued", &OrderFields::issued},        {"effective", &OrderFields::effective},
    {"expires", &OrderFields::expires},      {"review_by", &OrderFields::review_by},
    {"appeal_url", &OrderFields::appeal_url}};

/// Names of one draft under one order and match.
struct Group {
  std::uint32_t order = 0;
  generation::Scope scope = generation::Scope::tree;
  std::vector<std::string> keys;
};

class Import {
 public:
  Import(const Workspace& workspace, const OrderFields& defaults, const std::string& match)
      : workspace_(workspace), defaults_(defaults), match_(match) {}

  Status read(const std::filesystem::path& file) {
    auto text = files::read_bounded(file, kMaxTable);
    if (!text) return fail(text.error());
    CsvReader reader(*text, file.string());
    std::vector<std::string> row;
    auto more = reader.next(row);
    if (!more) return fail(more.error());
    if (auto status = read_head(*more ? row : std::vector<std::string>(), reader.place());
        !status) {
      return status;
    }
    Progress progress("reading " + file.filename().string(), text->size());
    for (;;) {
      more = reader.next(row);
      if (!more) return fail(more.error());
      if (!*more) return {};
      ++report_.rows.lines;
      ++report_.rows.read;
      take(row, reader.place());
      progress.at(text->size() - reader.octets_left());
    }
  }

  Result<CsvReport> finish() {
    for (auto& [department, draft] : drafts_) {
      Change& sum = report_.departments[department];
      for (auto& [id, group] : groups_[department]) {
        const std::vector<std::string_view> keys(group.keys.begin(), group.keys.end());
        const Change change = put_names(draft, keys, {group.scope, group.order}, true);
        sum.added += change.added;
        sum.changed += change.changed;
        sum.unchanged += change.unchanged;
      }
    }
    for (const auto& [department, draft] : drafts_) {
      if (auto status = save_draft(workspace_, draft); !status) return fail(status.error());
    }
    auto& rejections = report_.rows.rejections;
    std::sort(rejections.begin(), rejections.end(),
              [](const auto& a, const auto& b) { return a.count > b.count; });
    return std::move(report_);
  }

 private:
  Status read_head(const std::vector<std::string>& row, const std::string& where) {
    columns_.clear();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!columns_.emplace(row[i], i).second) {
        return fail("the column '" + row[i] + "' is there twice", where);
      }
    }
    const auto known = [](const std::string& name) {
      return name == "name" || name == "match" ||
             std::any_of(std::begin(kOrderColumns), std::end(kOrderColumns),
                         [&](const Column& column) { return name == column.name; });
    };
    for (const auto& [name, at] : columns_) {
      if (!known(name)) {
        return fail("the column '" + name + "' means nothing here", where,
                    "the first row names: name, category, order, match, authority, legal_basis, "
                    "issued, effective, expires, review_by, appeal_url");
      }
    }
    if (columns_.contains("name")) return {};
    return fail("the first row names no column 'name'", where, "see docs/LISTS.md");
  }

  std::string value(const std::vector<std::string>& row, const char* column,
                    const std::string& otherwise) const {
    const auto found = columns_.find(column);
    if (found == columns_.end() || found->second >= row.size()) return otherwise;
    return row[found->second].empty() ? otherwise : row[found->second];
  }

  void reject(const std::string& reason, const std::string& detail, const std::string& where) {
    ++report_.rows.rejected;
    auto& all = report_.rows.rejections;
    auto found = std::find_if(all.begin(), all.end(), [&](const compile::Rejected& one) {
      return one.reason == reason && one.detail == detail;
    });
    if (found == all.end()) found = all.insert(all.end(), {reason, detail, 0, {}});
    ++found->count;
    if (found->first.size() < kFirstPlaces) found->first.push_back(where);
  }

  void take(const std::vector<std::string>& row, const std::string& where) {
    if (row.size() > columns_.size()) {
      return reject("row", "more fields than the first row names", where);
    }
    OrderFields fields = defaults_;
    for (const Column& column : kOrderColumns) {
      fields.*column.field = value(row, column.name, defaults_.*column.field);
    }
    if (fields.order.empty()) return reject("order", "no order is named", where);
    const policy::Category* category = policy::find_category(fields.category);
    if (category == nullptr || category->department == "site") {
      return reject("category", "'" + fields.category + "' is no category of an authority", where);
    }
    const std::string match = value(row, "match", match_);
    const auto scope = scope_of(match);
    if (!scope) return reject("match", "'" + match + "' is not tree, exact or subs", where);
    const std::string word = value(row, "name", "");
    name::LookupName name;
    // A URL means one page; the name in it was never asked for.
    if (auto status = compile::read_plain_name(word, name); !status) {
      return reject("name", status.error().what, where);
    }
    const std::string key(name.view());
    if (name.label_count < 2) {
      return reject("name", "is a top-level domain", where);
    }
    add(fields, *scope, key, std::string(category->department), where);
  }

  static std::optional<generation::Scope> scope_of(const std::string& match) {
    for (const auto scope :
         {generation::Scope::tree, generation::Scope::exact, generation::Scope::subs}) {
      if (compile::match_text(scope) == match) return scope;
    }
    return std::nullopt;
  }

  void add(const OrderFields& fields, generation::Scope scope, const std::string& key,
           const std::string& department, const std::string& where) {
    auto draft = drafts_.find(department);
    if (draft == drafts_.end()) {
      auto loaded = load_draft(workspace_, department);
      if (!loaded) return reject("draft", loaded.error().text(), where);
      draft = drafts_.emplace(department, std::move(*loaded)).first;
    }
    if (!seen_.insert(department + " " + key).second) {
      ++report_.rows.duplicates;
      return;
    }
    // All that is said of the order: rows that say another thing of it would be lost.
    std::string id;
    for (const Column& column : kOrderColumns) id.append(fields.*column.field).push_back('\0');
    const std::string group_id = id + std::to_string(static_cast<int>(scope));
    auto group = groups_[department].find(group_id);
    if (group == groups_[department].end()) {
      const std::string reference = department + " " + fields.order + " " + fields.category;
      const auto other = orders_.find(reference);
      if (other != orders_.end() && other->second != id) {
        return reject("order", "an earlier row says another thing of the order " + fields.order,
                      where);
      }
      auto order = put_order(draft->second, fields, workspace_.clock());
      if (!order) return reject("order", order.error().what, where);
      orders_[reference] = id;
      group = groups_[department].emplace(group_id, Group{*order, scope, {}}).first;
    }
    group->second.keys.push_back(key);
    ++report_.rows.accepted;
  }

  const Workspace& workspace_;
  OrderFields defaults_;
  std::string match_;
  std::map<std::string, std::size_t> columns_;
  std::map<std::string, Draft> drafts_;                         // by department
  std::map<std::string, std::map<std::string, Group>> groups_;  // by department
  std::map<std::string, std::string> orders_;                   // what was said of each
  std::set<std::string> seen_;
  CsvReport report_;
};

}  // namespace

Result<CsvReport> import_csv(const Workspace& workspace,
                             const std::vector<std::filesystem::path>& files,
                             const OrderFields& defaults, const std::string& match) {
  Import import(workspace, defaults, match);
  for (const std::filesystem::path& file : files) {
    if (auto status = import.read(file); !status) return fail(status.error());
  }
  return import.finish();
}

}  // namespace sluice::authority
