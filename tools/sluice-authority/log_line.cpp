#include "tools/sluice-authority/log_line.h"

#include "tools/sluice-authority/http_server.h"
#include "tools/sluice-authority/witness_serve.h"

namespace sluice::authority {
namespace {

void add_reader(CLI::App& command, LogOptions& options) {
  command.add_option("SOURCE", options.source, "A repository: a folder, or https://")->required();
  command.add_option("--log", options.log, "The log's key, as log status tells it");
  command.add_option("--policy", options.policy, "Or a log policy (c2sp.org/tlog-policy)");
  command.add_option("--ca-file", options.ca_file, "By which the server is checked");
}

}  // namespace

void add_log_line(CLI::App& app, LogOptions& options) {
  CLI::App* log = app.add_subcommand("log", "The transparency log of releases");
  log->require_subcommand(1);
  CLI::App* init = log->add_subcommand("init", "Make one where init has made none");
  init->add_option("--name", options.name, "Its name, such as lists.example/log");
  log->add_subcommand("status", "Its key, its size, who cosigned it");
  CLI::App* cosign = log->add_subcommand("cosign", "Add what witnesses gave");
  cosign->add_option("FILE", options.files, "Signature lines")->required();

  CLI::App* witness = log->add_subcommand(
      "witness", "Cosign the newest checkpoint, if it continues what was seen last");
  add_reader(*witness, options);
  witness->add_option("--key", options.key, "The witness's key")->required();
  witness->add_option("--name", options.name, "Its name, such as auditor.example/w1")->required();
  witness->add_option("--state", options.state, "What was seen last")->required();
  witness->add_option("--out", options.out, "Write the line there instead of printing it");

  CLI::App* serve = log->add_subcommand(
      "serve-witness", "Be asked by logs over HTTP, and cosign what continues what was seen last");
  serve->add_option("--log", options.log, "The log's key, as log status tells it");
  serve->add_option("--policy", options.policy, "Or a log policy, for several (its log lines)");
  serve->add_option("--key", options.key, "The witness's key")->required();
  serve->add_option("--name", options.name, "Its name, such as auditor.example/w1")->required();
  serve->add_option("--state", options.state, "A folder: what was cosigned last")->required();
  add_listen_options(*serve, options.listen);

  CLI::App* open = log->add_subcommand("open", "Open a list's commitment to a change of a name");
  open->add_option("--department", options.opening.department, "Whose list")->required();
  open->add_option("--seq", options.opening.seq, "Which list")->required();
  open->add_option("NAME", options.opening.name)->required();
  CLI::App* opened = log->add_subcommand("check-opening", "Whether a change was committed to");
  add_reader(*opened, options);
  opened->add_option("--opening", options.opening.file, "What log open printed")->required();

  CLI::App* verify = log->add_subcommand("verify", "Replay all of it; exit status 1: it is wrong");
  add_reader(*verify, options);

  CLI::App* monitor = log->add_subcommand(
      "monitor", "Tell what was listed since the last run; exit status 1: an alarm");
  add_reader(*monitor, options);
  monitor->add_option("--state", options.state, "What was told last")->required();
  monitor->add_option("--names", options.names, "How many names are told of each list")
      ->capture_default_str();
}

Status run_log_line(const CLI::App& app, const LogOptions& options,
                    const std::filesystem::path& dir) {
  const CLI::App* log = app.get_subcommand("log");
  if (log->got_subcommand("witness")) return log_witness_command(options);
  if (log->got_subcommand("serve-witness")) {
    return witness_serve_command(options, options.listen);
  }
  if (log->got_subcommand("verify")) return log_verify_command(options);
  if (log->got_subcommand("check-opening")) return log_check_opening_command(options);
  if (log->got_subcommand("monitor")) return log_monitor_command(options);
  auto workspace = open_workspace(dir);
  if (!workspace) return fail(workspace.error());
  workspace->passphrase = options.passphrase;
  if (log->got_subcommand("init")) return log_init_command(*workspace, options);
  if (log->got_subcommand("cosign")) return log_cosign_command(*workspace, options);
  if (log->got_subcommand("open")) return commitment_open_command(*workspace, options.opening);
  return log_status_command(*workspace);
}

}  // namespace sluice::authority
