// A repository as one file: POSIX ustar (IEEE Std 1003.1, pax, "ustar Interchange Format").
//
// What is read comes from a stick that anybody may have written: files and folders are taken, and
// nothing else. Links, devices, paths that lead out, names twice, a wrong checksum, more or longer
// files than the bounds, and an archive that is cut are errors.
//
// Thread safety: free functions; they touch only the files they are given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/base/result.h"

namespace sluice::files {

struct TarBounds {
  std::uint64_t files = 20'000;
  std::uint64_t file_octets = std::uint64_t{512} << 20;
  std::uint64_t all_octets = std::uint64_t{2} << 30;
};

/// Unpacks into `folder`, which must be empty. `takes`: whether a path is wanted; others are an
/// error. What was unpacked before an error stays, for the caller to remove.
[[nodiscard]] Status unpack_tar(const std::filesystem::path& file,
                                const std::filesystem::path& folder, const TarBounds& bounds,
                                const std::function<bool(const std::string& path)>& takes);

/// Writes these files of `folder`, by paths below it, to `file`: synced, under its name when it is
/// whole.
[[nodiscard]] Status pack_tar(const std::filesystem::path& folder,
                              const std::vector<std::string>& paths,
                              const std::filesystem::path& file);

/// Whether a path is relative, of at most eight plain names: [A-Za-z0-9._-], none of only dots.
[[nodiscard]] bool is_plain_path(std::string_view path);

}  // namespace sluice::files
