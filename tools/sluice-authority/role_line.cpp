#include "tools/sluice-authority/role_line.h"

namespace sluice::authority {

void add_role_line(CLI::App& app, RoleChange& change) {
  CLI::App* role = app.add_subcommand("role", "Who may sign what");
  role->require_subcommand(1);
  role->add_subcommand("show", "Keys and thresholds of all roles");
  CLI::App* edit = role->add_subcommand("change", "Other keys for a role, or another threshold");
  edit->add_option("--new", change.fresh, "Make so many keys here");
  edit->add_option("--add", change.add,
                   "A key made elsewhere: its public value, as key show tells");
  edit->add_option("--revoke", change.revoke, "A key id, or how it begins");
  edit->add_option("--threshold", change.threshold, "How many must sign");
  CLI::App* rotate =
      role->add_subcommand("rotate", "Revoke all keys of a role for as many new ones");
  CLI::App* sign = role->add_subcommand("sign", "Sign the staged root as another official");
  for (CLI::App* one : {edit, rotate}) {
    one->add_option("ROLE", change.role, "root, targets, snapshot, timestamp, list-DEPARTMENT")
        ->required();
  }
  for (CLI::App* one : {edit, rotate, sign}) {
    one->add_option("--key", change.keys, "An official's key; default: all local ones of the role");
  }
}

Status run_role_line(const CLI::App& app, const Workspace& workspace, RoleChange change) {
  const CLI::App* role = app.get_subcommand("role");
  if (role->got_subcommand("show")) return role_show_command(workspace);
  if (role->got_subcommand("sign")) return role_sign_command(workspace, change.keys);
  change.revoke_all = role->got_subcommand("rotate");
  return role_change_command(workspace, change);
}

}  // namespace sluice::authority
