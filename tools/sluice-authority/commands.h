// The commands of sluice-authority, free of the command line's own syntax. Each prints a report and
// returns what went wrong.
//
// Thread safety: one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "tools/sluice-authority/draft.h"
#include "tools/sluice-authority/passphrase.h"
#include "tools/sluice-authority/proposal.h"
#include "tools/sluice-authority/stage.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct NameOptions {
  OrderFields order;
  std::string match = "tree";
  bool emergency = false;
};

Status init_command(const Workspace& workspace, const std::string& log_name,
                    const PassphraseSource& passphrase);
Status add_command(const Workspace& workspace, const std::vector<std::string>& names,
                   const NameOptions& options);
/// From every department, or from one.
Status remove_command(const Workspace& workspace, const std::vector<std::string>& names,
                      const std::string& department);
Status import_command(const Workspace& workspace, const std::vector<std::filesystem::path>& files,
                      const std::string& format, const NameOptions& options);
/// All departments with changes, or one.
Status sign_command(const Workspace& workspace, const std::string& department,
                    const StageOptions& options);
/// The rules by which appliances guard the lists, out of the folder policy/.
Status sign_policy_command(const Workspace& workspace, const StageOptions& options);
/// `keep`: how long what no release names any more stays; see retire_after().
Status publish_command(const Workspace& workspace, std::chrono::hours keep = {});
/// What is published and applies now, as a response policy zone for other resolvers.
Status export_rpz_command(const Workspace& workspace, const std::string& zone,
                          const std::filesystem::path& out);
/// Lists names for hours by the emergency role, and publishes that at once.
Status emergency_command(const Workspace& workspace, const std::vector<std::string>& names,
                         const NameOptions& options, const OfficialAct& act);
/// The announced release as one tar archive, for `sluicectl list import-bundle`.
Status bundle_command(const Workspace& workspace, const std::filesystem::path& out);
Status status_command(const Workspace& workspace);
/// The drafts' orders whose review or end comes within so many days, or has come; soonest first.
Status due_command(const Workspace& workspace, unsigned days);
/// The taxonomy, in English and Chinese.
Status categories_command();
/// "gambling 赌博"
[[nodiscard]] std::string category_text(std::string_view name);

}  // namespace sluice::authority
