// What is published, drafted, proposed, and in which categories.
#include <iomanip>
#include <iostream>
#include <map>

#include "config/policy/taxonomy.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/proposal.h"
#include "tools/sluice-authority/published.h"

namespace sluice::authority {
namespace {

/// How many names the draft has under each category.
std::map<std::string, std::uint64_t> by_category(const Draft& draft) {
  const std::vector<std::uint64_t> by_order = names_by_order(draft);
  std::map<std::string, std::uint64_t> out;
  for (std::size_t i = 0; i < by_order.size(); ++i) {
    if (by_order[i] > 0) out[draft.orders[i].value("category", "")] += by_order[i];
  }
  return out;
}

void print_row(const std::string& role, const tuf::Common& common, tuf::Time now,
               const std::string& rest) {
  std::cout << std::left << std::setw(24) << role << "version " << std::setw(6) << common.version
            << (common.expires <= now ? "EXPIRED " : "expires ") << tuf::to_text(common.expires)
            << rest << "\n";
}

}  // namespace

std::string category_text(std::string_view name) {
  const policy::Category* category = policy::find_category(name);
  return category == nullptr ? std::string(name)
                             : std::string(name) + " " + std::string(category->name_zh);
}

Status categories_command() {
  for (const policy::Category& category : policy::taxonomy()) {
    std::cout << std::right << std::setw(3) << static_cast<unsigned>(category.id) << "  "
              << std::left << std::setw(20) << category.department << category_text(category.name)
              << "\n";
  }
  return {};
}

Status status_command(const Workspace& workspace) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  const tuf::Time now = workspace.clock();
  print_row("root", published->root, now, "");
  print_row("timestamp", published->timestamp, now, "");
  print_row("snapshot", published->snapshot, now, "");
  print_row("targets", published->targets, now, "");
  if (published->snapshot.version > published->timestamp.snapshot.version) {
    std::cout << "snapshot " << published->snapshot.version
              << " is not announced yet: sluice-authority publish\n";
  }
  for (const std::string& department : departments()) {
    const auto role = published->lists.find(department);
    if (role == published->lists.end()) continue;
    auto draft = load_draft(workspace, department);
    if (!draft) return fail(draft.error());
    const auto list = published->list(department);
    std::string rest = "  " + std::to_string(list ? list->entries : 0) + " entries";
    if (differs(*draft, *published)) {
      rest += ", draft of " + std::to_string(draft->entries) + " not published";
    }
    if (std::filesystem::exists(staged_document(workspace, department))) rest += ", staged";
    print_row(role_of(department), role->second, now, rest);
    for (const auto& [category, count] : by_category(*draft)) {
      std::cout << "    " << category_text(category) << ": " << count << "\n";
    }
    auto proposal = read_proposal(workspace, department);
    if (!proposal) return fail(proposal.error());
    if (!*proposal) continue;
    std::cout << "    proposed by " << (*proposal)->by << " at " << (*proposal)->at
              << ((*proposal)->approver.empty() ? "" : ", for " + (*proposal)->approver)
              << ((*proposal)->reason.empty() ? "" : ": " + (*proposal)->reason) << "\n";
  }
  return {};
}

}  // namespace sluice::authority
