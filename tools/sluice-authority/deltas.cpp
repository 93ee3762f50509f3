#include "tools/sluice-authority/deltas.h"

#include <algorithm>
#include <set>

#include "config/files/file.h"
#include "control/compile/cpd_make.h"
#include "control/compile/zstd_lines.h"
#include "control/tuf/digest.h"

namespace sluice::authority {
namespace {

using compile::DeltaFile;
using compile::ReleaseList;

std::string path_of(const ReleaseList& list, std::uint64_t from, std::uint64_t to) {
  return "lists/" + list.department + "/delta-" + std::to_string(from) + "-" + std::to_string(to) +
         ".cpd.zst";
}

tuf::Json target_json(const tuf::TargetFile& file) {
  return {{"length", file.length}, {"hashes", {{"sha256", file.sha256}}}, {"custom", file.custom}};
}

/// Packs changes and adds them to what is signed, unless the full list is shorter.
Status add(Deltas& into, const ReleaseList& before, const ReleaseList& after,
           const compile::ListChanges& changes) {
  auto packed = compile::zstd_pack(compile::cpd_text(before, after, changes));
  if (!packed) return fail(packed.error());
  if (packed->size() >= after.full.length) return fail("the full list is shorter");
  const std::string path = path_of(after, before.seq, after.seq);
  into.targets[path] = target_json({packed->size(),
                                    tuf::sha256(*packed),
                                    {{"cpl",
                                      {{"from", before.seq},
                                       {"to", after.seq},
                                       {"from_content_sha256", before.full.content_sha256},
                                       {"to_content_sha256", after.full.content_sha256},
                                       {"added", changes.added},
                                       {"removed", changes.removed}}}}});
  into.payloads[path] = std::move(*packed);
  return {};
}

/// The published steps from `first` to `before` in a row, empty where one is missing.
std::vector<compile::CpdStep> steps_from(const Workspace& workspace, const ReleaseList& before,
                                         std::uint64_t first) {
  std::vector<compile::CpdStep> steps;
  for (std::uint64_t from = first; from < before.seq; ++from) {
    const auto found =
        std::find_if(before.deltas.begin(), before.deltas.end(),
                     [&](const DeltaFile& one) { return one.from == from && one.to == from + 1; });
    if (found == before.deltas.end()) return {};
    steps.push_back({*found, workspace.repo() / found->file.remote_path()});
  }
  return steps;
}

/// How many entries the list had that the first of the steps up to `before` begins with.
std::uint64_t entries_at(const ReleaseList& before, std::span<const compile::CpdStep> steps) {
  std::uint64_t entries = before.entries;
  for (const auto& step : steps) entries += step.delta.removed - step.delta.added;
  return entries;
}

/// The step that was made just now lies beside the staged document, not yet in the repository.
Status add_roll_up(const Workspace& workspace, Deltas& into, const ReleaseList& before,
                   const ReleaseList& after, const compile::ListChanges& last) {
  if (after.seq <= kKeptSteps) return {};
  const std::uint64_t first = after.seq - kKeptSteps;
  auto steps = steps_from(workspace, before, first);
  if (steps.empty()) return {};
  ReleaseList from = before;
  from.seq = first;
  from.full.content_sha256 = steps.front().delta.from_sha256;
  from.entries = entries_at(before, steps);
  const std::filesystem::path file = workspace.staged() / "step.cpd.zst";
  auto status = files::write_atomic(file, into.payloads.at(path_of(after, before.seq, after.seq)));
  if (!status) return status;
  steps.push_back({DeltaFile{.file = {},
                             .from = before.seq,
                             .to = after.seq,
                             .from_sha256 = before.full.content_sha256,
                             .to_sha256 = after.full.content_sha256,
                             .added = last.added,
                             .removed = last.removed},
                   file});
  auto changes = compile::compose_steps(from, steps);
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  if (!changes) return fail(changes.error());
  return add(into, from, after, *changes);
}

}  // namespace

Deltas keep_deltas(const tuf::Targets& published, const ReleaseList& list) {
  Deltas out;
  for (const DeltaFile& delta : list.deltas) {
    out.targets[delta.file.path] = target_json(published.targets.at(delta.file.path));
  }
  return out;
}

Deltas make_deltas(const Workspace& workspace, const tuf::Targets& published,
                   const ReleaseList& before, const ReleaseList& after, std::string_view names) {
  Deltas out;
  const auto give_up = [&](const Error& error) {
    out.report += ", and no delta: " + error.text();
    return out;
  };
  auto changes = compile::diff_lists(before, workspace.repo() / before.full.remote_path(), names);
  if (!changes) return give_up(changes.error());
  out.changes = changes->lines;
  if (auto status = add(out, before, after, *changes); !status) return give_up(status.error());
  out.report = ", and a delta of " + std::to_string(changes->added + changes->removed) +
               " changes, " + std::to_string(out.payloads.begin()->second.size()) + " octets";
  for (const DeltaFile& delta : before.deltas) {
    const bool kept = delta.to == delta.from + 1 && delta.from + kKeptSteps >= after.seq;
    if (kept) out.targets[delta.file.path] = target_json(published.targets.at(delta.file.path));
  }
  auto status = files::make_folder(workspace.staged());
  if (status) status = add_roll_up(workspace, out, before, after, *changes);
  if (!status) out.report += ", no roll-up: " + status.error().text();
  return out;
}

}  // namespace sluice::authority
