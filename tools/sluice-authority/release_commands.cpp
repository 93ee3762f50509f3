// Commands that make releases: init, sign, publish, emergency.
#include <iostream>

#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/journal.h"
#include "tools/sluice-authority/policy.h"
#include "tools/sluice-authority/progress.h"
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
    Progress progress("signing " + one, 0);
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

Status publish_command(const Workspace& workspace, std::chrono::hours keep) {
  auto report = publish(workspace, keep);
  if (!report) return fail(report.error());
  std::cout << "snapshot " << report->snapshot << ", timestamp " << report->timestamp;
  if (report->logged) std::cout << ", entry " << *report->logged << " of the log";
  std::cout << "; new lists:";
  for (const std::string& department : report->departments) std::cout << " " << department;
  std::cout << (report->departments.empty() ? " none\n" : "\n");
  if (report->retired.files > 0) {
    std::cout << report->retired.files << " files, " << report->retired.octets
              << " octets, that no release names any more: retired\n";
  }
  if (report->not_retired) {
    std::cout << "published, but old files stay: " << report->not_retired->text() << "\n";
  }
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

Status emergency_command(const Workspace& workspace, const std::vector<std::string>& names,
                         const NameOptions& options, const OfficialAct& act) {
  NameOptions emergency = options;
  emergency.emergency = true;
  if (auto status = add_command(workspace, names, emergency); !status) return status;
  const std::string department(compile::kEmergency);
  StageOptions stage;
  if (!act.key.empty()) stage.keys = {act.key};
  if (auto status = sign_command(workspace, department, stage); !status) return status;
  auto status = note_in_journal(workspace, {{"act", "emergency"},
                                            {"department", department},
                                            {"names", names},
                                            {"order", options.order.order},
                                            {"by", act.by},
                                            {"reason", act.reason}});
  if (!status) return status;
  return publish_command(workspace);
}

}  // namespace sluice::authority
