// The announced release as one file, for appliances that no mirror reaches.
#include <iostream>
#include <set>

#include "config/files/file.h"
#include "config/files/tar.h"
#include "tools/sluice-authority/commands.h"
#include "tools/sluice-authority/log_keep.h"
#include "tools/sluice-authority/published.h"

namespace sluice::authority {
namespace {

// By path below the repository, sorted: the same release makes the same archive.
using Paths = std::set<std::string>;

std::string metadata_name(std::uint64_t version, const std::string& rest) {
  return "metadata/" + std::to_string(version) + "." + rest;
}

/// What leads from any earlier state to this release: all roots, and all that it signs.
Paths release_paths(const Published& published) {
  Paths paths{"metadata/timestamp.json",
              metadata_name(published.snapshot.version, "snapshot.json")};
  for (std::uint64_t version = 1; version <= published.root.version; ++version) {
    paths.insert(metadata_name(version, "root.json"));
  }
  for (const auto& [name, file] : published.snapshot.meta) {
    paths.insert(metadata_name(file.version, name));
  }
  paths.merge(payload_paths(published));
  return paths;
}

/// The tiles of hashes by which a log of this size is seen to begin with any smaller one; full ones
/// in the place of those that they have replaced since.
Paths tile_paths(const Workspace& workspace, std::uint64_t size) {
  Paths paths;
  const auto is_there = [&](const std::string& path) {
    return std::filesystem::exists(workspace.repo() / path);
  };
  for (int level = 0; tlog::tile_width(level, 0, size) > 0; ++level) {
    for (std::uint64_t index = 0;; ++index) {
      const std::uint64_t width = tlog::tile_width(level, index, size);
      if (width == 0) break;
      const std::string full = "log/" + tlog::tile_path(level, index, tlog::kTileWidth);
      const std::string tile = "log/" + tlog::tile_path(level, index, width);
      paths.insert(!is_there(tile) && is_there(full) ? full : tile);
    }
  }
  return paths;
}

/// The proof that the release was logged, good by its own log policy, and the log's tiles.
Status add_log(const Workspace& workspace, const Published& published, Paths& paths) {
  auto policy = log_policy_of(workspace, published);
  if (!policy) return fail(policy.error());
  const std::string name = metadata_name(published.snapshot.version, "snapshot.tlog-proof");
  const std::filesystem::path file = workspace.repo() / name;
  if (!std::filesystem::exists(file)) {
    if (!*policy) return {};
    return fail("the release has no proof that it was logged", file.string(),
                "appliances would refuse the bundle; sluice-authority publish, then try again");
  }
  auto text = files::read_bounded(file, tlog::kMaxProofOctets);
  if (!text) return fail(text.error());
  auto proof = tlog::parse_proof(*text, name);
  if (!proof) return fail(proof.error());
  auto note = tlog::parse_note(proof->checkpoint, name);
  if (!note) return fail(note.error());
  auto checkpoint = tlog::parse_checkpoint(note->text, name);
  if (!checkpoint) return fail(checkpoint.error());
  if (*policy) {
    const std::string leaf = tlog::release_leaf(published.snapshot.version,
                                                published.timestamp.snapshot.sha256.value_or(""));
    auto believed = tlog::verify_proof(*proof, leaf, **policy, name);
    if (!believed) return fail(believed.error());
  }
  paths.insert(name);
  for (const std::string& tile : tile_paths(workspace, checkpoint->size)) {
    if (std::filesystem::exists(workspace.repo() / tile)) {
      paths.insert(tile);
    } else if (*policy && !(*policy)->asks_witnesses()) {
      // Where witnesses are asked, they have seen that the log has only grown.
      return fail("a tile of the log is not there", (workspace.repo() / tile).string(),
                  "appliances would refuse the bundle; bring the folder back from a copy");
    }
  }
  return {};
}

}  // namespace

Status bundle_command(const Workspace& workspace, const std::filesystem::path& out) {
  auto published = load_announced(workspace);
  if (!published) return fail(published.error());
  Paths paths = release_paths(*published);
  if (auto status = add_log(workspace, *published, paths); !status) return status;
  const std::vector<std::string> all(paths.begin(), paths.end());
  if (auto status = files::pack_tar(workspace.repo(), all, out); !status) return status;
  std::cout << out.string() << ": " << all.size() << " files, " << std::filesystem::file_size(out)
            << " octets\n";
  return {};
}

}  // namespace sluice::authority
