#include "tools/sluice-authority/review.h"

#include <iostream>

#include "config/files/file.h"
#include "control/compile/cpd_make.h"
#include "control/compile/cpl.h"
#include "control/compile/zstd_lines.h"
#include "control/tuf/digest.h"

namespace sluice::authority {
namespace {

constexpr unsigned kShownNames = 10;

}  // namespace

Result<compile::ReleaseList> staged_list(const tuf::Targets& targets,
                                         const std::string& department) {
  compile::ReleaseList list;
  list.department = department;
  const std::string base = "lists/" + department + "/";
  const auto full = targets.targets.find(base + "full.cpl.zst");
  if (full == targets.targets.end()) return fail("signs no list", role_of(department));
  list.full = {full->first, full->second.length, full->second.sha256, {}};
  auto status = compile::read_custom(full->second.custom, role_of(department), list);
  if (!status) return fail(status.error());
  return list;
}

/// Tells what a staged list changes, of its own payloads: it is what the signature will be for.
Status tell_changes(const Workspace& workspace, const Published& published,
                    const compile::ReleaseList& after) {
  std::string lines;
  const compile::ListFile& full = after.full;
  auto file = compile::ZstdLines::open(
      workspace.staged() / full.remote_path(), full.path,
      compile::kMaxListHeader + after.entries * compile::kMaxListLine, compile::kMaxListLine);
  if (!file) return fail(file.error());
  const auto before = published.list(after.department);
  for (;;) {
    auto line = file->next();
    if (!line) return fail(line.error());
    if (!*line) break;
    if ((*line)->starts_with('#')) continue;
    lines.append(before ? "" : "+").append(**line).push_back('\n');
  }
  if (file->content_sha256() != full.content_sha256) {
    return fail("is not what was proposed", full.path, "propose it again");
  }
  std::uint64_t added = after.entries;
  std::uint64_t removed = 0;
  if (before) {
    auto diff = compile::diff_lists(*before, workspace.repo() / before->full.remote_path(), lines);
    if (!diff) return fail(diff.error());
    lines = std::move(diff->lines);
    added = diff->added;
    removed = diff->removed;
  }
  std::cout << after.department << ": list " << after.seq << ", " << after.entries << " entries, "
            << added << " come, " << removed << " go\n";
  if (after.bulk_change) {
    std::cout << "  a bulk change, by " << after.bulk_change->order << ": "
              << after.bulk_change->reason << "\n";
  }
  std::size_t begin = 0;
  for (unsigned shown = 0; shown < kShownNames && begin < lines.size(); ++shown) {
    const std::size_t end = lines.find('\n', begin);
    std::cout << "  " << lines.substr(begin, end - begin) << "\n";
    begin = end + 1;
  }
  if (begin < lines.size()) std::cout << "  …\n";
  return {};
}

/// Whether all that the document signs is there, as it signs it.
Status check_payloads(const Workspace& workspace, const tuf::Targets& targets) {
  for (const auto& [path, target] : targets.targets) {
    const std::string remote =
        compile::ListFile{path, target.length, target.sha256, {}}.remote_path();
    const auto staged = workspace.staged() / remote;
    auto bytes = files::read_bounded(
        std::filesystem::exists(staged) ? staged : workspace.repo() / remote, target.length);
    if (!bytes) return fail(bytes.error());
    if (tuf::sha256(*bytes) != target.sha256) {
      return fail("is not what was proposed", staged.string(), "propose it again");
    }
  }
  return {};
}

}  // namespace sluice::authority
