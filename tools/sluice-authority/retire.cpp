#include "tools/sluice-authority/retire.h"

#include <algorithm>
#include <map>

#include "config/base/json.h"
#include "config/files/file.h"
#include "tools/sluice-authority/published.h"

namespace sluice::authority {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxState = 16ULL << 20U;
constexpr std::chrono::hours kLeast{7 * 24};
constexpr std::chrono::hours kLongestDownload{24};

using Unnamed = std::map<std::string, tuf::Time>;  // since when, by path below the repository

fs::path state_path(const Workspace& workspace) { return workspace.folder / "retiring.json"; }

/// What is damaged counts as not there: files then stay longer, and no shorter.
Unnamed load_state(const Workspace& workspace) {
  Unnamed out;
  const auto bytes = files::read_bounded(state_path(workspace), kMaxState);
  if (!bytes) return out;
  const auto json = tuf::parse_strict(*bytes, "retiring.json");
  if (!json || !json->is_object()) return out;
  for (const auto& [path, since] : json->items()) {
    if (!since.is_string()) continue;
    if (const auto time = tuf::parse_time(since.get<std::string>())) out[path] = *time;
  }
  return out;
}

Status save_state(const Workspace& workspace, const Unnamed& unnamed) {
  if (unnamed.empty() && !fs::exists(state_path(workspace))) return {};
  tuf::Json json = tuf::Json::object();
  for (const auto& [path, since] : unnamed) json[path] = tuf::to_text(since);
  return files::write_atomic(state_path(workspace), json_text(json, 1) + "\n");
}

/// What the announced release names, and the one that waits for its witnesses.
Result<std::set<std::string>> named_now(const Workspace& workspace) {
  std::set<std::string> out;
  for (const auto load : {load_announced, load_published}) {
    auto published = load(workspace);
    if (!published) return fail(published.error());
    out.merge(payload_paths(*published));
  }
  return out;
}

Result<std::vector<std::string>> payloads(const Workspace& workspace) {
  std::vector<std::string> out;
  std::error_code error;
  auto entry = fs::recursive_directory_iterator(workspace.repo() / "targets", error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    const bool ours = entry->is_regular_file(error) && !path.filename().string().starts_with('.');
    if (ours) out.push_back(path.lexically_relative(workspace.repo()).generic_string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail(error.message(), (workspace.repo() / "targets").string());
  }
  return out;
}

Status put_away(const Workspace& workspace, const std::string& path) {
  const fs::path from = workspace.repo() / path;
  std::error_code error;
  if (path.ends_with(".cpd.zst")) {
    fs::remove(from, error);
  } else {
    const fs::path to = workspace.folder / "retired" / path;
    if (auto status = files::make_folder(to.parent_path()); !status) return status;
    fs::rename(from, to, error);
    // The repository may be a file system of its own.
    if (error == std::errc::cross_device_link) {
      fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
      if (!error) fs::remove(from, error);
    }
  }
  return error ? fail("cannot be retired: " + error.message(), from.string()) : Status{};
}

}  // namespace

std::chrono::hours retire_after(const Workspace& workspace) {
  const Expiry& expiry = workspace.expiry;
  return std::max({kLeast, expiry.snapshot, expiry.timestamp + kLongestDownload});
}

Result<Retired> retire_unused(const Workspace& workspace, std::chrono::hours keep) {
  auto named = named_now(workspace);
  if (!named) return fail(named.error());
  auto all = payloads(workspace);
  if (!all) return fail(all.error());
  const tuf::Time now = workspace.clock();
  const Unnamed before = load_state(workspace);
  const std::chrono::hours least = std::max(keep, retire_after(workspace));
  Unnamed after;
  Retired out;
  for (const std::string& path : *all) {
    if (named->contains(path)) continue;
    const auto known = before.find(path);
    // A clock that was set back says nothing of how long ago that was.
    const tuf::Time since = known == before.end() ? now : std::min(known->second, now);
    if (now - since < least) {
      after[path] = since;
      continue;
    }
    std::error_code ignored;
    const auto octets = fs::file_size(workspace.repo() / path, ignored);
    if (auto status = put_away(workspace, path); !status) return fail(status.error());
    ++out.files;
    out.octets += octets;
  }
  out.waiting = static_cast<unsigned>(after.size());
  if (auto status = save_state(workspace, after); !status) return fail(status.error());
  return out;
}

fs::path kept_payload(const Workspace& workspace, const std::string& remote_path) {
  const fs::path published = workspace.repo() / remote_path;
  const fs::path retired = workspace.folder / "retired" / remote_path;
  return !fs::exists(published) && fs::exists(retired) ? retired : published;
}

}  // namespace sluice::authority
