#include "tools/sluice-authority/policy.h"

#include <algorithm>

#include "config/files/file.h"
#include "config/name/name.h"
#include "config/schema/config.h"
#include "control/compile/plain_list.h"
#include "control/compile/rules.h"
#include "control/compile/zstd_lines.h"
#include "control/tuf/digest.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/next_roles.h"
#include "tools/sluice-authority/rollout.h"
#include "tools/sluice-authority/rule_keys.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxYaml = 65'536;

/// A plain list as CPL without orders: names, each with what is below it.
Result<std::string> packed_names(const std::filesystem::path& file, const std::string& list,
                                 std::uint64_t version) {
  const std::filesystem::path files[] = {file};
  auto names = compile::read_plain_lists(files, compile::PlainFormat::domains);
  if (!names) return fail(names.error());
  if (names->report().rejected > 0) {
    return fail(std::to_string(names->report().rejected) + " lines are no names", file.string(),
                "correct them: no rule is to be lost");
  }
  std::string text = "#CPL 1\n#list " + list + "\n#seq " + std::to_string(version) + "\n#entries " +
                     std::to_string(names->keys().size()) + "\n";
  for (const std::string_view key : names->keys()) {
    text += name::from_reversed_key(key) + "\ttree\t0\n";
  }
  return compile::zstd_pack(text);
}

/// The bytes of a rule's file as it is published; nothing where the folder has none.
Result<std::string> read_rule(const Workspace& workspace, std::string_view path,
                              std::uint64_t version) {
  const std::filesystem::path name = std::filesystem::path(path).filename();
  if (name.extension() == ".yaml") {
    const auto file = workspace.policy() / name;
    if (!std::filesystem::exists(file)) return std::string();
    return files::read_bounded(file, kMaxYaml);
  }
  const std::string list = name.stem().stem().string();
  const auto file = workspace.policy() / (list + ".txt");
  if (!std::filesystem::exists(file)) return std::string();
  return packed_names(file, list, version);
}

/// Appliances refuse a release whose layers have faults, and walk over keys that they do not know.
Status check_rule(const Workspace& workspace, std::string_view path, const std::string& bytes) {
  if (path == compile::kGuardsFile) {
    return check_guard_keys(bytes, (workspace.policy() / "guards.yaml").string());
  }
  if (path != compile::kLayersFile) return {};
  const auto file = workspace.policy() / "layers.yaml";
  schema::Config nothing;
  const auto faults = schema::add_signed_layers(bytes, file.string(), nothing);
  if (faults.empty()) return {};
  return fail(faults[0].text(), {}, "correct it; appliances would refuse the release");
}

Status stage_file(const std::filesystem::path& folder, const std::string& path,
                  const std::string& bytes, tuf::Json& targets) {
  const compile::ListFile file{path, bytes.size(), tuf::sha256(bytes), {}};
  targets[path] = {{"length", file.length}, {"hashes", {{"sha256", file.sha256}}}};
  return files::write_atomic(folder / file.stored_name(), bytes);
}

/// By which appliances believe the log. One that does not name this log would stop every update.
Status stage_log_policy(const Workspace& workspace, const std::filesystem::path& folder,
                        tuf::Json& targets) {
  const std::string path(tlog::kPolicyFile);
  const auto source = workspace.folder / path;
  if (!std::filesystem::exists(source)) return {};
  auto bytes = files::read_bounded(source, tlog::kMaxPolicyOctets);
  if (!bytes) return fail(bytes.error());
  auto policy = tlog::LogPolicy::parse(*bytes, source.string());
  if (!policy) return fail(policy.error());
  auto head = read_log(workspace);
  if (!head) return fail(head.error());
  if (!*head)
    return fail("there is no log", source.string(), "sluice-authority log init makes one");
  auto believed = policy->check_log((*head)->note, source.string());
  if (!believed) {
    Error error = believed.error();
    error.advice =
        "appliances would refuse every release; sluice-authority log status tells its key";
    return fail(std::move(error));
  }
  return stage_file(folder, path, *bytes, targets);
}

/// In which order appliances take a release.
Status stage_rollout(const Workspace& workspace, const std::filesystem::path& folder,
                     tuf::Json& targets) {
  const std::string path(kRolloutFile);
  const auto source = workspace.folder / path;
  if (!std::filesystem::exists(source)) return {};
  auto bytes = files::read_bounded(source, kMaxRolloutOctets);
  if (!bytes) return fail(bytes.error());
  if (auto rollout = parse_rollout(*bytes, source.string()); !rollout) return fail(rollout.error());
  return stage_file(folder, path, *bytes, targets);
}

/// Stages the files of the folder; their entries in "targets".
Result<tuf::Json> stage_files(const Workspace& workspace, std::uint64_t version) {
  tuf::Json targets = tuf::Json::object();
  std::vector<compile::ListFile> files;
  const auto folder = workspace.staged() / "targets/policy";
  if (auto status = files::make_folder(folder); !status) return fail(status.error());
  for (const std::string_view path :
       {compile::kGuardsFile, compile::kTaxonomyFile, compile::kProtectedFile,
        compile::kPopularFile, compile::kLayersFile}) {
    auto bytes = read_rule(workspace, path, version);
    if (!bytes) return fail(bytes.error());
    if (bytes->empty()) continue;
    if (auto status = check_rule(workspace, path, *bytes); !status) return fail(status.error());
    files.push_back({std::string(path), bytes->size(), tuf::sha256(*bytes), {}});
    const compile::ListFile& file = files.back();
    targets[file.path] = {{"length", file.length}, {"hashes", {{"sha256", file.sha256}}}};
    auto status = files::write_atomic(folder / file.stored_name(), *bytes);
    if (!status) return fail(status.error());
  }
  auto rules = compile::read_rules(files, folder);
  if (!rules) return fail(rules.error());
  auto status = stage_log_policy(workspace, folder, targets);
  if (status) status = stage_rollout(workspace, folder, targets);
  if (!status) return fail(status.error());
  return targets;
}

}  // namespace

std::filesystem::path staged_policy(const Workspace& workspace) {
  return workspace.staged() / "targets.json";
}

Result<Staged> stage_policy(const Workspace& workspace, const Published& published,
                            const StageOptions& options, std::optional<tuf::Json> delegations) {
  const std::uint64_t version = published.targets.version + 1;
  auto root = next_root(workspace, published);
  if (!root) return fail(root.error());
  const tuf::RoleKeys& role = root->roles.at("targets");
  auto keys = signers(workspace, "targets", role, options.keys);
  if (!keys) return fail(keys.error());
  auto next = next_targets(workspace, published);
  if (!next) return fail(next.error());
  // A change of delegations that is staged already goes with the rules.
  auto now = read_signed(next->version > published.targets.version
                             ? staged_policy(workspace)
                             : metadata_path(workspace, published.targets.version, "targets"));
  if (!now) return fail(now.error());
  auto targets = stage_files(workspace, version);
  if (!targets) return fail(targets.error());
  const std::uint64_t count = targets->size();
  tuf::Json body = document("targets", version, workspace.clock() + workspace.expiry.targets);
  body["targets"] = std::move(*targets);
  body["delegations"] = delegations ? std::move(*delegations) : (*now)["signed"]["delegations"];

  tuf::Json envelope = {{"signatures", tuf::Json::array()}, {"signed", body}};
  if (auto there = read_signed(staged_policy(workspace))) {
    // A second official signs what the first one did, if it is the same but for its expiry.
    body["expires"] = (*there)["signed"]["expires"];
    if ((*there)["signed"] == body) envelope = std::move(*there);
  }
  auto added = add_signatures(envelope, *keys);
  if (!added) return fail(added.error());
  auto status = files::write_atomic(staged_policy(workspace), envelope_text(envelope));
  if (!status) return fail(status.error());
  return Staged{version,        0, count, static_cast<unsigned>(envelope["signatures"].size()),
                role.threshold, {}};
}

}  // namespace sluice::authority
