// Commands that change drafts: add, remove, import.
#include <iostream>

#include "config/name/name.h"
#include "config/policy/taxonomy.h"
#include "control/compile/cpl.h"
#include "control/compile/plain_list.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/csv_import.h"
#include "tools/sluice-authority/progress.h"

namespace sluice::authority {
namespace {

Result<std::string> department_of(const NameOptions& options) {
  const policy::Category* category = policy::find_category(options.order.category);
  if (category == nullptr) {
    const policy::Category* near = policy::nearest_category(options.order.category);
    return fail("not a category of the taxonomy", options.order.category,
                near != nullptr ? "did you mean '" + std::string(near->name) + "'?" : "");
  }
  if (category->department == "site") {
    return fail("the category is the sites' own; no authority lists in it", options.order.category);
  }
  return options.emergency ? std::string(compile::kEmergency) : std::string(category->department);
}

Result<generation::Scope> scope_of(const std::string& match) {
  for (const auto scope :
       {generation::Scope::tree, generation::Scope::exact, generation::Scope::subs}) {
    if (compile::match_text(scope) == match) return scope;
  }
  return fail("no such match", match, "choose tree, exact or subs");
}

/// The reversed key of a name that may be listed.
Result<std::string> listable(const std::string& text) {
  auto canonical = name::canonical(text);
  if (!canonical) return fail(canonical.error());
  if (canonical->find('.') == canonical->npos) {
    return fail("is a top-level domain; it cannot be listed", text);
  }
  return name::reversed_key(*canonical);
}

/// Names of one match.
struct NameGroup {
  generation::Scope scope = generation::Scope::tree;
  std::vector<std::string_view> keys;
};

/// Puts names under an order into the draft that the category belongs to, and saves it.
Result<Change> put(const Workspace& workspace, std::span<const NameGroup> groups,
                   const NameOptions& options, bool replace, std::string& department) {
  auto found = department_of(options);
  if (!found) return fail(found.error());
  department = *found;
  auto draft = load_draft(workspace, department);
  if (!draft) return fail(draft.error());
  auto order = put_order(*draft, options.order, workspace.clock());
  if (!order) return fail(order.error());
  Change sum;
  for (const NameGroup& group : groups) {
    if (group.keys.empty()) continue;
    const Change change = put_names(*draft, group.keys, {group.scope, *order}, replace);
    sum.added += change.added;
    sum.changed += change.changed;
    sum.unchanged += change.unchanged;
  }
  if (auto status = save_draft(workspace, *draft); !status) return fail(status.error());
  return sum;
}

/// By what the list says of each name, or else by --match.
std::vector<NameGroup> grouped(const compile::PlainNames& names, generation::Scope otherwise) {
  std::vector<NameGroup> groups = {
      {generation::Scope::tree, {}}, {generation::Scope::exact, {}}, {generation::Scope::subs, {}}};
  const std::span<const std::string_view> keys = names.keys();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    groups[static_cast<std::size_t>(names.scope(i, otherwise))].keys.push_back(keys[i]);
  }
  return groups;
}

void print_rejections(const compile::PlainReport& report) {
  for (const compile::Rejected& rejected : report.rejections) {
    std::cout << "  " << rejected.count << " " << rejected.reason << ": " << rejected.detail;
    for (std::size_t i = 0; i < rejected.first.size(); ++i) {
      std::cout << (i == 0 ? ", at " : ", ") << rejected.first[i];
    }
    std::cout << "\n";
  }
}

Status import_table(const Workspace& workspace, const std::vector<std::filesystem::path>& files,
                    const NameOptions& options) {
  auto report = import_csv(workspace, files, options.order, options.match);
  if (!report) return fail(report.error());
  std::cout << "read " << report->rows.read << ", accepted " << report->rows.accepted << ", "
            << report->rows.duplicates << " given twice, " << report->rows.rejected
            << " rejected\n";
  for (const auto& [department, change] : report->departments) {
    std::cout << department << ": " << change.added << " added, " << change.changed << " changed, "
              << change.unchanged << " unchanged\n";
  }
  print_rejections(report->rows);
  return {};
}

}  // namespace

Status add_command(const Workspace& workspace, const std::vector<std::string>& names,
                   const NameOptions& options) {
  std::vector<std::string> keys;
  for (const std::string& text : names) {
    auto key = listable(text);
    if (!key) return fail(key.error());  // a person typed it: nothing is added until it is right
    keys.push_back(std::move(*key));
  }
  auto scope = scope_of(options.match);
  if (!scope) return fail(scope.error());
  const NameGroup group{*scope, {keys.begin(), keys.end()}};
  std::string department;
  auto change = put(workspace, std::span(&group, 1), options, true, department);
  if (!change) return fail(change.error());
  std::cout << department << ", " << category_text(options.order.category) << ": " << change->added
            << " added, " << change->changed << " changed, " << change->unchanged << " unchanged\n";
  return {};
}

Status remove_command(const Workspace& workspace, const std::vector<std::string>& names,
                      const std::string& department) {
  std::vector<std::string> keys;
  for (const std::string& text : names) {
    auto canonical = name::canonical(text);
    if (!canonical) return fail(canonical.error());
    keys.push_back(name::reversed_key(*canonical));
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::uint64_t total = 0;
  for (const std::string& one : departments()) {
    if (!department.empty() && one != department) continue;
    auto draft = load_draft(workspace, one);
    if (!draft) return fail(draft.error());
    const std::uint64_t removed = remove_names(*draft, views);
    if (removed == 0) continue;
    if (auto status = save_draft(workspace, *draft); !status) return status;
    std::cout << one << ": " << removed << " removed\n";
    total += removed;
  }
  if (total == 0) return fail("none of the names is listed", {}, "see lists/*/names.tsv");
  return {};
}

Status import_command(const Workspace& workspace, const std::vector<std::filesystem::path>& files,
                      const std::string& format, const NameOptions& options) {
  if (format == "csv") return import_table(workspace, files, options);
  auto kind = compile::parse_plain_format(format);
  if (!kind) return fail(kind.error());
  auto scope = scope_of(options.match);
  if (!scope) return fail(scope.error());
  Progress progress("reading", 0);
  auto names = compile::read_plain_lists(files, *kind);
  if (!names) return fail(names.error());
  progress.next("listing " + std::to_string(names->keys().size()) + " names");
  std::string department;
  auto change = put(workspace, grouped(*names, *scope), options, false, department);
  if (!change) return fail(change.error());
  const compile::PlainReport& report = names->report();
  std::cout << department << ", " << category_text(options.order.category) << ": read "
            << report.read << ", accepted " << report.accepted << " (" << change->added << " new, "
            << change->unchanged << " listed already), " << report.duplicates << " given twice, "
            << report.rejected << " rejected\n";
  print_rejections(report);
  return {};
}

}  // namespace sluice::authority
