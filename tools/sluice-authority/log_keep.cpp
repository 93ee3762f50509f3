#include "tools/sluice-authority/log_keep.h"

#include <algorithm>

#include "config/files/file.h"
#include "tools/sluice-authority/signing.h"

namespace sluice::authority {
namespace {

constexpr const char* kRole = "log";

std::filesystem::path checkpoint_path(const Workspace& workspace) {
  return log_folder(workspace) / "checkpoint";
}

tlog::FetchTile tiles_of(const Workspace& workspace) {
  return [folder = log_folder(workspace)](int level, std::uint64_t index, std::uint64_t width) {
    return files::read_bounded(folder / tlog::tile_path(level, index, width),
                               tlog::max_tile_octets(level, width));
  };
}

Result<tuf::PrivateKey> log_key(const Workspace& workspace) {
  auto keys = local_keys(workspace, kRole);
  if (!keys) return fail(keys.error());
  return std::move(keys->front());
}

Result<LogHead> sign_head(const Workspace& workspace, const tlog::Checkpoint& checkpoint) {
  auto key = log_key(workspace);
  if (!key) return fail(key.error());
  LogHead head{{tlog::checkpoint_text(checkpoint), {}}, checkpoint};
  auto signature = tlog::sign_note(head.note.text, checkpoint.origin, *key);
  if (!signature) return fail(signature.error());
  head.note.signatures.push_back(std::move(*signature));
  auto status = files::write_atomic(checkpoint_path(workspace), tlog::note_text(head.note));
  if (!status) return fail(status.error());
  return head;
}

const tlog::VerifierKey* key_of(const std::vector<tlog::LogPolicy>& policies,
                                const tlog::NoteSignature& signature) {
  for (const tlog::LogPolicy& policy : policies) {
    for (const auto& witness : policy.witnesses()) {
      if (witness.key.made(signature)) return &witness.key;
    }
  }
  return nullptr;
}

/// Partial tiles that full ones have replaced.
void drop_partial(const std::filesystem::path& full) {
  std::error_code ignored;
  std::filesystem::remove_all(full.string() + ".p", ignored);
}

}  // namespace

std::filesystem::path log_folder(const Workspace& workspace) { return workspace.repo() / "log"; }

Status create_log(const Workspace& workspace, std::string origin) {
  if (std::filesystem::exists(checkpoint_path(workspace))) {
    return fail("a log is here already", log_folder(workspace).string(), "logs are never replaced");
  }
  auto keys = make_keys(workspace, {kRole, 1, 1}, {});
  if (!keys) return fail(keys.error());
  if (origin.empty()) origin = "sluice.invalid/" + keys->front().keyid().substr(0, 16);
  if (auto status = tlog::check_key_name(origin); !status) return status;
  if (auto status = files::make_folder(log_folder(workspace)); !status) return status;
  auto head = sign_head(workspace, {.origin = origin, .size = 0, .root = tlog::empty_root()});
  return head ? Status{} : fail(head.error());
}

Result<std::optional<LogHead>> read_log(const Workspace& workspace) {
  const auto path = checkpoint_path(workspace);
  if (!std::filesystem::exists(path)) return std::nullopt;
  auto bytes = files::read_bounded(path, tlog::kMaxNoteOctets);
  if (!bytes) return fail(bytes.error());
  auto note = tlog::parse_note(*bytes, path.string());
  if (!note) return fail(note.error());
  auto checkpoint = tlog::parse_checkpoint(note->text, path.string());
  if (!checkpoint) return fail(checkpoint.error());
  return LogHead{std::move(*note), std::move(*checkpoint)};
}

Result<std::optional<tlog::ReleaseLeaf>> last_logged(const Workspace& workspace,
                                                     const LogHead& head) {
  const std::uint64_t size = head.checkpoint.size;
  if (size == 0) return std::nullopt;
  const std::uint64_t index = (size - 1) / tlog::kTileWidth;
  const std::uint64_t width = tlog::tile_width(tlog::kEntries, index, size);
  const std::string where = tlog::tile_path(tlog::kEntries, index, width);
  auto bundle = tiles_of(workspace)(tlog::kEntries, index, width);
  if (!bundle) return fail(bundle.error());
  auto entries = tlog::parse_bundle(*bundle, width, where);
  if (!entries) return fail(entries.error());
  auto leaf = tlog::parse_release_leaf(entries->back(), where);
  if (!leaf) return fail(leaf.error());
  return std::move(*leaf);
}

Result<LogHead> append_release(const Workspace& workspace, const LogHead& head,
                               const tlog::ReleaseLeaf& leaf) {
  const std::uint64_t size = head.checkpoint.size;
  auto root = tlog::Tree(size, tiles_of(workspace)).root();
  if (!root) return fail(root.error());
  if (*root != head.checkpoint.root) {
    return fail("the tiles are not those that the checkpoint was signed for",
                log_folder(workspace).string(), "bring the folder back from a copy");
  }
  auto tiles =
      tlog::append_tiles(size, tlog::release_leaf(leaf.version, leaf.sha256), tiles_of(workspace));
  if (!tiles) return fail(tiles.error());
  for (const auto& [path, octets] : *tiles) {
    const auto file = log_folder(workspace) / path;
    if (auto status = files::make_folder(file.parent_path()); !status) return fail(status.error());
    if (auto status = files::write_atomic(file, octets); !status) return fail(status.error());
  }
  auto grown = tlog::Tree(size + 1, tiles_of(workspace)).root();
  if (!grown) return fail(grown.error());
  auto next = sign_head(workspace, {head.checkpoint.origin, size + 1, *grown});
  if (!next) return next;
  for (const auto& [path, octets] : *tiles) {
    if (path.find(".p/") == path.npos) drop_partial(log_folder(workspace) / path);
  }
  return next;
}

Result<std::string> last_proof(const Workspace& workspace, const LogHead& head) {
  const std::uint64_t size = head.checkpoint.size;
  auto hashes = tlog::Tree(size, tiles_of(workspace)).inclusion(size - 1);
  if (!hashes) return fail(hashes.error());
  return tlog::proof_text({size - 1, std::move(*hashes), tlog::note_text(head.note)});
}

Result<std::vector<tlog::Hash>> consistency_proof(const Workspace& workspace, const LogHead& head,
                                                  std::uint64_t old_size) {
  return tlog::Tree(head.checkpoint.size, tiles_of(workspace)).consistency(old_size);
}

Result<std::string> log_vkey(const Workspace& workspace, const LogHead& head) {
  auto key = log_key(workspace);
  if (!key) return fail(key.error());
  return tlog::vkey(head.checkpoint.origin, tlog::KeyType::log, *key);
}

Result<unsigned> add_cosignatures(const Workspace& workspace, LogHead& head,
                                  const std::vector<tlog::LogPolicy>& policies,
                                  const std::vector<std::string>& lines) {
  unsigned added = 0;
  for (const std::string& line : lines) {
    auto signature = tlog::parse_signature_line(line, "cosignature");
    if (!signature) return fail(signature.error());
    const tlog::VerifierKey* witness = key_of(policies, *signature);
    if (witness == nullptr) {
      return fail("the log policy knows no such witness", signature->name,
                  "see policy/tlog-policy.txt");
    }
    if (!witness->verify(head.note.text, *signature)) {
      return fail("is not for the log's newest checkpoint, or wrong", signature->name,
                  "have the witness look at log/checkpoint again");
    }
    auto& all = head.note.signatures;
    const bool there =
        std::any_of(all.begin(), all.end(), [&](const auto& one) { return witness->made(one); });
    if (there) continue;
    all.push_back(std::move(*signature));
    ++added;
  }
  auto status = files::write_atomic(checkpoint_path(workspace), tlog::note_text(head.note));
  if (!status) return fail(status.error());
  return added;
}

}  // namespace sluice::authority
