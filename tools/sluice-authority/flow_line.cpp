#include "tools/sluice-authority/flow_line.h"

namespace sluice::authority {
namespace {

void add_rollout(CLI::App& app, RolloutOptions& options) {
  CLI::App* rollout = app.add_subcommand("rollout", "In which order appliances take a release");
  rollout->require_subcommand(1);
  CLI::App* set = rollout->add_subcommand("set", "Write policy/rollout.json, to be signed");
  set->add_option("--lab", options.lab, "Appliances that are always first");
  set->add_option("--ring", options.rings,
                  "NAME:PERCENT:HOURS; default: canary:1:6 early:10:18 all:100");
  set->add_option("--salt", options.salt,
                  "By which appliances fall into rings; default: by chance");
  set->add_option("--skip-for", options.skip_for, "Categories that wait for no ring")
      ->default_val(std::vector<std::string>{"emergency", "malware"});
  set->add_option("--halt-block-rate", options.block_rate_ratio, "Blocks over blocks before")
      ->capture_default_str();
  set->add_option("--halt-popular", options.top1k_new_hits, "Popular names that come")
      ->capture_default_str();
  set->add_option("--halt-appeals", options.appeals, "Appeals of 100 appliances")
      ->capture_default_str();
  CLI::App* halt = rollout->add_subcommand(
      "halt", "No appliance is to take a department's list, or keep it, as where many appeal");
  halt->add_option("DEPARTMENT", options.department, "Whose list")->required();
  halt->add_option("--reason", options.reason, "Why");
  halt->add_option("--seq", options.seq, "Which one; default: the published one");
  halt->add_flag("--lift", options.lift, "It is halted no longer");
  CLI::App* show = rollout->add_subcommand("show", "The rings, or an appliance's");
  show->add_option("APPLIANCE", options.appliance);
}

}  // namespace

void add_official(CLI::App& command, OfficialAct& act) {
  command.add_option("--key", act.key, "The official's key");
  command.add_option("--by", act.by, "The official's name");
  command.add_option("--reason", act.reason, "Why");
}

void add_bulk_options(CLI::App& command, StageOptions& stage, const std::string& reason) {
  auto* bulk = command.add_option("--bulk-change", stage.bulk_order,
                                  "Reference of the order for a planned mass change");
  command.add_option(reason, stage.bulk_reason, "Why the mass change")->needs(bulk);
  command.add_option("--min-ratio", stage.min_ratio, "New size over old, at least; e.g. 0.25")
      ->needs(bulk);
  command.add_option("--max-ratio", stage.max_ratio, "New size over old, at most")->needs(bulk);
}

void add_flow_line(CLI::App& app, FlowOptions& options, StageOptions& stage) {
  CLI::App* propose = app.add_subcommand("propose", "Sign a list for another official to approve");
  propose->add_option("--approver", options.act.approver, "Who is to approve, for the orders");
  propose->add_flag("--renew", stage.renew, "Though nothing changed");
  add_bulk_options(*propose, stage, "--bulk-reason");
  CLI::App* approve = app.add_subcommand("approve", "See what was proposed, and sign it as well");
  CLI::App* withdraw = app.add_subcommand("withdraw", "Propose a former list under a new number");
  withdraw->add_option("--to", options.act.seq, "The list to go back to; default: the one before");
  withdraw->add_option("--order", options.act.order, "Reference of the order behind it");
  for (CLI::App* one : {propose, approve, withdraw}) {
    one->add_option("--department", options.act.department, "Whose list")->required();
    add_official(*one, options.act);
  }
  add_rollout(app, options.rollout);
}

std::optional<Status> run_flow_line(const CLI::App& app, const Workspace& workspace,
                                    const FlowOptions& options, const StageOptions& stage) {
  if (app.got_subcommand("propose")) return propose_command(workspace, options.act, stage);
  if (app.got_subcommand("approve")) return approve_command(workspace, options.act);
  if (app.got_subcommand("withdraw")) return withdraw_command(workspace, options.act);
  if (!app.got_subcommand("rollout")) return std::nullopt;
  if (app.get_subcommand("rollout")->got_subcommand("set")) {
    return rollout_set_command(workspace, options.rollout);
  }
  if (app.get_subcommand("rollout")->got_subcommand("halt")) {
    return rollout_halt_command(workspace, options.rollout);
  }
  return rollout_show_command(workspace, options.rollout);
}

}  // namespace sluice::authority
