// Commands that make releases: init, sign, publish, status.
#include <iomanip>
#include <iostream>

#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/policy.h"
#include "tools/sluice-authority/publish.h"
#include "tools/sluice-authority/published.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {

Status init_command(const Workspace& workspace, const std::string& log_name,
                    const PassphraseSource& source) {
  auto passphrase = new_passphrase(source);
  if (!passphrase) return fail(passphrase.error());
  auto status = create_authority(workspace, log_name, passphrase->value_or(""));
  if (!status) return status;
  std::cout << workspace.folder.string() << ": an authority with an empty first release\n"
            << (*passphrase
                    ? "  keys/       private keys, encrypted but for snapshot, timestamp and "
                      "log: keep root's offline\n"
                    : "  keys/       private keys, NOT ENCRYPTED for want of a passphrase: "
                      "sluice-authority key encrypt\n")
            << "  root.json   install it on every appliance, by a way that you trust\n"
            << "  repo/       static files: let any web server serve them over HTTPS\n";
  return {};
}

Status sign_command(const Workspace& workspace, const std::string& department,
                    const StageOptions& options) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  bool any = false;
  for (const std::string& one : departments()) {
    if (!department.empty() && one != department) continue;
    any = true;
    auto draft = load_draft(workspace, one);
    if (!draft) return fail(draft.error());
    auto staged = stage(workspace, *draft, *published, options);
    if (!staged) return fail(staged.error());
    if (!*staged) {
      if (!department.empty()) std::cout << one << ": nothing to sign\n";
      continue;
    }
    std::cout << one << ": version " << (*staged)->version << ", " << (*staged)->entries
              << " entries, " << (*staged)->signatures << " of " << (*staged)->threshold
              << " signatures" << ((*staged)->signatures < (*staged)->threshold ? " so far" : "")
              << "\n";
  }
  if (!any) return fail("no such department", department, "see sluice-authority status");
  return {};
}

Status sign_policy_command(const Workspace& workspace, const StageOptions& options) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  auto staged = stage_policy(workspace, *published, options);
  if (!staged) return fail(staged.error());
  std::cout << "targets: version " << staged->version << ", " << staged->entries << " files, "
            << staged->signatures << " of " << staged->threshold << " signatures"
            << (staged->signatures < staged->threshold ? " so far" : "") << "\n";
  return {};
}

Status publish_command(const Workspace& workspace) {
  auto report = publish(workspace);
  if (!report) return fail(report.error());
  std::cout << "snapshot " << report->snapshot << ", timestamp " << report->timestamp;
  if (report->logged) std::cout << ", entry " << *report->logged << " of the log";
  std::cout << "; new lists:";
  for (const std::string& department : report->departments) std::cout << " " << department;
  std::cout << (report->departments.empty() ? " none\n" : "\n");
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  for (const std::string& department : departments()) {
    auto draft = load_draft(workspace, department);
    if (!draft) return fail(draft.error());
    if (differs(*draft, *published)) {
      std::cout << department << ": has changes that are not signed yet: sluice-authority sign\n";
    }
  }
  return {};
}

Status status_command(const Workspace& workspace) {
  auto published = load_published(workspace);
  if (!published) return fail(published.error());
  const tuf::Time now = workspace.clock();
  const auto row = [&](const std::string& role, const tuf::Common& common,
                       const std::string& rest) {
    std::cout << std::left << std::setw(24) << role << "version " << std::setw(6) << common.version
              << (common.expires <= now ? "EXPIRED " : "expires ") << tuf::to_text(common.expires)
              << rest << "\n";
  };
  row("root", published->root, "");
  row("timestamp", published->timestamp, "");
  row("snapshot", published->snapshot, "");
  row("targets", published->targets, "");
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
    row(role_of(department), role->second, rest);
  }
  return {};
}

}  // namespace sluice::authority
