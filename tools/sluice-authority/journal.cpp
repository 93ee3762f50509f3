#include "tools/sluice-authority/journal.h"

#include "config/base/json.h"
#include "config/files/file.h"

namespace sluice::authority {
namespace {

constexpr std::uint64_t kMaxJournal = std::uint64_t{1} << 30;

}  // namespace

Status note_in_journal(const Workspace& workspace, tuf::Json entry) {
  const auto path = workspace.folder / "journal.jsonl";
  std::string text;
  if (std::filesystem::exists(path)) {
    auto before = files::read_bounded(path, kMaxJournal);
    if (!before) return fail(before.error());
    text = std::move(*before);
  }
  entry["at"] = tuf::to_text(workspace.clock());
  return files::write_atomic(path, text + json_text(entry) + "\n");
}

}  // namespace sluice::authority
