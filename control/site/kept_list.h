// A subscription's list as it is kept: a line "REVERSED-KEY TAB SCOPE" for each name, ascending, in
// a file that is named by its SHA-256, so that damage is found when it is read.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/format.h"

namespace sluice::site {

struct KeptName {
  std::string key;  // reversed
  generation::Scope scope = generation::Scope::tree;
};

[[nodiscard]] std::string kept_text(const std::vector<KeptName>& names);
/// Fails on a file that is not what its hash says.
[[nodiscard]] Result<std::vector<KeptName>> read_kept(const std::filesystem::path& file,
                                                      const std::string& sha256);

/// How many names of `before` are not in `after`.
[[nodiscard]] std::uint64_t gone(const std::vector<KeptName>& before,
                                 const std::vector<KeptName>& after);

}  // namespace sluice::site
