#include "control/sync/lists.h"

#include "control/compile/cpd.h"
#include "control/compile/cpd_make.h"
#include "control/compile/cpl.h"
#include "control/compile/zstd_file.h"
#include "control/compile/zstd_lines.h"

namespace sluice::sync {
namespace {

namespace fs = std::filesystem;
using compile::ReleaseList;

/// Whether a file that a delta has made still is what it was: the signed hash is of its content.
bool made_file_is_sound(const ReleaseList& list, const fs::path& folder) {
  auto lines = compile::ZstdLines::open(
      folder / list.full_file(), list.full.path,
      compile::kMaxListHeader + list.entries * compile::kMaxListLine, compile::kMaxListLine);
  if (!lines) return false;
  for (;;) {
    const auto line = lines->next();
    if (!line) return false;
    if (!*line) return lines->content_sha256() == list.full.content_sha256;
  }
}

/// One CPD file from the list in use to the new one: the step itself, or what several come to.
Result<compile::ListDelta> fetch_steps(Fetcher& fetcher, const ReleaseList& before,
                                       const ReleaseList& after,
                                       const std::vector<compile::DeltaFile>& chosen,
                                       const fs::path& folder) {
  std::vector<compile::CpdStep> steps;
  for (const compile::DeltaFile& delta : chosen) {
    const compile::ListFile& file = delta.file;
    steps.push_back({delta, folder / file.stored_name()});
    auto status = fetcher.download(file.remote_path(), steps.back().file, file.length, file.sha256);
    if (!status) return fail(status.error());
  }
  if (steps.size() == 1) {
    return compile::ListDelta{after.department, steps[0].file, chosen[0].file.path};
  }
  auto changes = compile::compose_steps(before, steps);
  if (!changes) return fail(changes.error());
  const fs::path path = folder / (after.full.content_sha256 + ".steps.cpd.zst");
  auto file = compile::ZstdFile::create(path);
  if (!file) return fail(file.error());
  auto status = file->write(compile::cpd_text(before, after, *changes));
  if (status) status = file->finish();
  if (!status) return fail(status.error());
  return compile::ListDelta{after.department, path,
                            "the deltas of lists/" + after.department + " together"};
}

/// Makes the new full list of the one in use.
Status apply(const compile::ListDelta& delta, const ReleaseList& before, ReleaseList& after,
             const fs::path& folder) {
  const std::string name = after.full.content_sha256 + ".made.cpl.zst";
  auto file = compile::ZstdFile::create(folder / name);
  if (!file) return fail(file.error());
  auto status = compile::apply_cpd(folder, delta.file, delta.label, before, after,
                                   [&](std::string_view lines) { return file->write(lines); });
  if (status) status = file->finish();
  if (status) after.made_file = name;
  return status;
}

Status bring_full(Fetcher& fetcher, const compile::ListFile& file, const fs::path& folder) {
  return fetcher.download(file.remote_path(), folder / file.stored_name(), file.length,
                          file.sha256);
}

/// False where the full list has to be fetched; `brought` tells why, if deltas were tried.
bool bring_by_deltas(Fetcher& fetcher, const ReleaseList& before, ReleaseList& after,
                     const fs::path& folder, Brought& brought) {
  const auto chosen = compile::choose_deltas(before, after);
  if (chosen.empty()) return false;
  auto delta = fetch_steps(fetcher, before, after, chosen, folder);
  const Status status = delta ? apply(*delta, before, after, folder) : fail(delta.error());
  for (const compile::DeltaFile& one : chosen) brought.octets += one.file.length;
  if (!status) {
    brought.refused = status.error().text();
    return false;
  }
  brought.steps = chosen.size();
  brought.delta = std::move(*delta);
  return true;
}

}  // namespace

Status bring_policy(Fetcher& fetcher, const compile::Release& release, const fs::path& folder) {
  for (const compile::ListFile& file : release.policy) {
    if (auto status = bring_full(fetcher, file, folder); !status) return status;
  }
  return {};
}

void keep_made_files(compile::Release& release, const compile::Release& previous) {
  for (ReleaseList& list : release.lists) {
    const ReleaseList* before = previous.find(list.department);
    const bool same = before != nullptr && before->seq == list.seq &&
                      before->full.content_sha256 == list.full.content_sha256;
    if (same) list.made_file = before->made_file;
  }
}

Result<std::vector<Brought>> bring_lists(Fetcher& fetcher, compile::Release& release,
                                         const compile::Release* previous, const fs::path& folder) {
  if (previous != nullptr) keep_made_files(release, *previous);
  std::vector<Brought> out;
  for (ReleaseList& list : release.lists) {
    if (auto status = bring_full(fetcher, list.orders, folder); !status) {
      return fail(status.error());
    }
    if (!list.made_file.empty()) {
      if (made_file_is_sound(list, folder)) continue;
      list.made_file.clear();
    }
    const ReleaseList* before = previous == nullptr ? nullptr : previous->find(list.department);
    const bool same = before != nullptr && before->full.sha256 == list.full.sha256;
    Brought brought{.department = list.department};
    if (before == nullptr || same || !bring_by_deltas(fetcher, *before, list, folder, brought)) {
      if (auto status = bring_full(fetcher, list.full, folder); !status) {
        return fail(status.error());
      }
      brought.octets += list.full.length;
    }
    if (!same) out.push_back(std::move(brought));
  }
  return out;
}

}  // namespace sluice::sync
