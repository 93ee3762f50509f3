#include "dataplane/gateway/generations.h"

#include <algorithm>
#include <charconv>

namespace sluice::gateway {
namespace fs = std::filesystem;

std::vector<fs::path> start_candidates(const fs::path& generations_dir) {
  struct Numbered {
    std::uint64_t number;
    fs::path path;
  };
  std::vector<Numbered> files;
  std::error_code error;
  for (fs::directory_iterator at(generations_dir, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() != ".lmdb" || !at->is_regular_file(error)) continue;
    const std::string stem = at->path().stem().string();
    std::uint64_t number = 0;
    const auto [last, code] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
    if (code != std::errc{} || last != stem.data() + stem.size()) continue;
    files.push_back({number, at->path()});
  }
  std::sort(files.begin(), files.end(),
            [](const Numbered& a, const Numbered& b) { return a.number > b.number; });

  std::vector<fs::path> out;
  const fs::path current = fs::canonical(generations_dir / "current", error);
  if (!error) out.push_back(current);
  for (const Numbered& file : files) {
    if (out.empty() || fs::weakly_canonical(file.path, error) != out.front()) {
      out.push_back(file.path);
    }
  }
  return out;
}

}  // namespace sluice::gateway
