// sluice-authority: the command line of the authority's tool.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <sys/stat.h>

#include <CLI/CLI.hpp>

#include "config/base/plain_output.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/flow_line.h"
#include "tools/sluice-authority/key_line.h"
#include "tools/sluice-authority/log_line.h"
#include "tools/sluice-authority/role_line.h"
#include "tools/sluice-authority/serve.h"

namespace {

using namespace sluice::authority;
using sluice::Status;

struct Arguments {
  std::string dir = ".";
  std::string init_dir;
  std::vector<std::string> names;
  std::vector<std::filesystem::path> files;
  std::string format = "auto";
  std::string department;
  std::string zone;
  std::filesystem::path out;
  NameOptions name;
  StageOptions stage;
  LogOptions log;
  FlowOptions flow;
  KeyOptions key;
  RoleChange role;
  ListenOptions serve;
  PassphraseSource passphrase;
  std::string log_name;
  bool policy = false;
  unsigned due_days = 30;
  unsigned keep_days = 0;
  unsigned root_days = 365;
  unsigned targets_days = 180;
  unsigned list_days = 90;
  unsigned emergency_days = 7;
  unsigned snapshot_days = 7;
  unsigned timestamp_hours = 72;
};

void add_order_options(CLI::App& command, Arguments& arguments, bool required = true) {
  OrderFields& order = arguments.name.order;
  command.add_option("--category", order.category, "Category of the taxonomy")->required(required);
  command.add_option("--order", order.order, "Reference of the notice")->required(required);
  command.add_option("--match", arguments.name.match, "tree (name and below), exact, subs (below)")
      ->capture_default_str();
  command.add_option("--authority", order.authority, "Who ordered it; default: the department");
  command.add_option("--legal-basis", order.legal_basis, "Law and section");
  command.add_option("--issued", order.issued, "Day of the notice; default: today");
  command.add_option("--effective", order.effective, "When it begins; default: now");
  command.add_option("--expires", order.expires, "When it ends; default: after a year, of category popup 30 days");
  command.add_option("--review-by", order.review_by, "Day by which it is looked at again");
  command.add_option("--appeal-url", order.appeal_url, "Where to appeal");
  command.add_flag("--confirm-popular", order.confirm_popular,
                   "Names that many people use are meant; else appliances leave them out");
}

void add_init(CLI::App& app, Arguments& a) {
  CLI::App* init = app.add_subcommand("init", "Make an authority: keys, root, empty release");
  init->add_option("DIR", a.init_dir, "A new folder")->required();
  init->add_option("--root-days", a.root_days, "How long signatures last")->capture_default_str();
  init->add_option("--targets-days", a.targets_days)->capture_default_str();
  init->add_option("--list-days", a.list_days)->capture_default_str();
  init->add_option("--emergency-days", a.emergency_days)->capture_default_str();
  init->add_option("--snapshot-days", a.snapshot_days)->capture_default_str();
  init->add_option("--timestamp-hours", a.timestamp_hours)->capture_default_str();
  init->add_option("--log-name", a.log_name, "Name of the log of releases: lists.example/log");
}

void add_export(CLI::App& app, Arguments& a) {
  CLI::App* all = app.add_subcommand("export", "Write the published lists in another form");
  all->require_subcommand(1);
  CLI::App* rpz = all->add_subcommand("rpz", "A response policy zone with a digest (ZONEMD)");
  rpz->add_option("--zone", a.zone, "The zone's name, such as rpz.example")->required();
  rpz->add_option("--out", a.out, "The zone file to write")->required();
}

void add_commands(CLI::App& app, Arguments& a) {
  add_init(app, a);
  CLI::App* add = app.add_subcommand("add", "List names");
  add->add_option("NAME", a.names)->required();
  add_order_options(*add, a);
  add->add_flag("--emergency", a.name.emergency, "List by the emergency role, 72 h");
  CLI::App* emergency = app.add_subcommand(
      "emergency", "List names for at most 72 h by the duty officer alone, and publish that");
  emergency->add_option("NAME", a.names)->required();
  add_order_options(*emergency, a);
  add_official(*emergency, a.flow.act);
  CLI::App* remove = app.add_subcommand("remove", "Take names off the lists");
  remove->add_option("NAME", a.names)->required();
  remove->add_option("--department", a.department, "Only from this department's list");
  CLI::App* import =
      app.add_subcommand("import", "List the names of plain lists; URLs are never cut to domains");
  import->add_option("FILE", a.files, "Files, or the folder of a UT1 category")->required();
  import->add_option("--format", a.format, "auto, domains, hosts, ut1, adblock, dnsmasq, rpz, csv")
      ->capture_default_str();
  // A table says both for each name.
  add_order_options(*import, a, false);
  import->add_flag("--emergency", a.name.emergency, "List by the emergency role, 72 h");
  CLI::App* sign = app.add_subcommand("sign", "Sign changed lists; officials may sign in turn");
  sign->add_option("--department", a.department, "Only this department's list");
  sign->add_option("--key", a.stage.keys, "An official's key; default: all local ones of the role");
  sign->add_flag("--policy", a.policy,
                 "Instead of lists: the rules in policy/, by keys of the role targets");
  sign->add_flag("--renew", a.stage.renew, "Sign anew though nothing changed");
  add_bulk_options(*sign, a.stage, "--reason");
  add_export(app, a);
  add_log_line(app, a.log);
  add_flow_line(app, a.flow, a.stage);
  add_key_line(app, a.key);
  add_role_line(app, a.role);
  add_serve_line(app, a.serve);
  CLI::App* publish =
      app.add_subcommand("publish", "Publish what is signed; renew snapshot and timestamp");
  publish
      ->add_option("--keep-days", a.keep_days,
                   "How long files stay that no release names any more; a week at least")
      ->check(CLI::Range(0, 36500));
  CLI::App* bundle = app.add_subcommand("bundle", "The newest release as one file, for a stick");
  bundle->add_option("--out", a.out, "The tar archive to write")->required();
  app.add_subcommand("status", "Versions, expiries, entries, and what is not published");
  CLI::App* due = app.add_subcommand("due", "Notices whose review or end comes before long");
  due->add_option("--days", a.due_days, "How far ahead")
      ->check(CLI::Range(0, 3650))
      ->capture_default_str();
  app.add_subcommand("categories", "The taxonomy, in English and Chinese");
}

Status choose(const CLI::App& app, const Arguments& a) {
  if (app.got_subcommand("init")) {
    using std::chrono::hours;
    const auto days = [](unsigned n) { return hours(24) * n; };
    Workspace workspace;
    workspace.folder = a.init_dir;
    workspace.expiry = {days(a.root_days),      days(a.targets_days),  days(a.list_days),
                        days(a.emergency_days), days(a.snapshot_days), hours(a.timestamp_hours)};
    return init_command(workspace, a.log_name, a.passphrase);
  }
  if (app.got_subcommand("categories")) return categories_command();
  if (app.got_subcommand("key")) {
    KeyOptions key = a.key;
    key.passphrase = a.passphrase;
    return run_key_line(app, key);
  }
  if (app.got_subcommand("log")) {
    LogOptions log = a.log;
    log.passphrase = passphrase_from(a.passphrase);
    return run_log_line(app, log, a.dir);
  }
  auto workspace = open_workspace(a.dir);
  if (!workspace) return fail(workspace.error());
  workspace->passphrase = passphrase_from(a.passphrase);
  if (app.got_subcommand("role")) {
    RoleChange change = a.role;
    change.passphrase = a.passphrase;
    return run_role_line(app, *workspace, std::move(change));
  }
  if (auto status = run_flow_line(app, *workspace, a.flow, a.stage)) return *status;
  if (app.got_subcommand("emergency")) {
    return emergency_command(*workspace, a.names, a.name, a.flow.act);
  }
  if (app.got_subcommand("bundle")) return bundle_command(*workspace, a.out);
  if (app.got_subcommand("serve")) return serve_command(*workspace, a.serve);
  if (app.got_subcommand("due")) return due_command(*workspace, a.due_days);
  if (app.got_subcommand("add")) return add_command(*workspace, a.names, a.name);
  if (app.got_subcommand("remove")) return remove_command(*workspace, a.names, a.department);
  if (app.got_subcommand("import") && a.format != "csv" &&
      (a.name.order.category.empty() || a.name.order.order.empty())) {
    return sluice::fail("names need --category and --order", {},
                        "only tables (--format csv) say them for each name");
  }
  if (app.got_subcommand("import")) return import_command(*workspace, a.files, a.format, a.name);
  if (app.got_subcommand("sign") && a.policy) return sign_policy_command(*workspace, a.stage);
  if (app.got_subcommand("sign")) return sign_command(*workspace, a.department, a.stage);
  if (app.got_subcommand("publish")) {
    return publish_command(*workspace, std::chrono::hours(24) * a.keep_days);
  }
  if (app.got_subcommand("export")) return export_rpz_command(*workspace, a.zone, a.out);
  return status_command(*workspace);
}

int run(int argc, char** argv) {
  CLI::App app{
      "Authors, signs and publishes the lists of an authority as a static TUF repository.\n"
      "Private keys are in DIR/keys, encrypted by a passphrase; keep root's offline."};
  Arguments arguments;
  app.add_option("-d,--dir", arguments.dir, "The authority's folder")->capture_default_str();
  add_passphrase_options(app, arguments.passphrase);
  app.set_version_flag("--version", SLUICE_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  add_commands(app, arguments);
  CLI11_PARSE(app, argc, argv);
  ::umask(0022);
  const Status status = choose(app, arguments);
  if (status) return EXIT_SUCCESS;
  std::cerr << "sluice-authority: " << status.error().text() << "\n";
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  const sluice::PlainOutput plain;
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-authority: %s\n", error.what());
  }
  return EXIT_FAILURE;
}
