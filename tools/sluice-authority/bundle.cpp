// What is published as one file, for appliances that no mirror reaches.
#include <algorithm>
#include <iostream>

#include "control/files/tar.h"
#include "tools/sluice-authority/commands.h"

namespace sluice::authority {

Status bundle_command(const Workspace& workspace, const std::filesystem::path& out) {
  const std::filesystem::path repo = workspace.repo();
  std::vector<std::string> paths;
  std::uint64_t octets = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(repo, error)) {
    if (!entry.is_regular_file()) continue;
    const std::string path = std::filesystem::relative(entry.path(), repo).string();
    // What an unfinished publication left behind.
    if (!files::is_plain_path(path) || path.find("/.") != path.npos) continue;
    paths.push_back(path);
    octets += entry.file_size();
  }
  if (error) return fail("cannot be read: " + error.message(), repo.string());
  if (paths.empty()) return fail("nothing is published", repo.string(), "publish first");
  std::sort(paths.begin(), paths.end());
  if (auto status = files::pack_tar(repo, paths, out); !status) return status;
  std::cout << out.string() << ": " << paths.size() << " files, " << octets << " octets\n";
  return {};
}

}  // namespace sluice::authority
