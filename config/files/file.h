// Files that survive a power cut: written beside their place, synced, renamed, and the folder
// synced. A reader sees the old content or the new, never a part.
//
// Thread safety: free functions; two writers of one path need a lock of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::files {

// What is written takes its place whatever stands there: a folder, as backups and mistaken mounts
// leave it, is moved aside to "NAME.displaced", or removed where it is empty.

/// What an interrupted write leaves behind: ".NAME.tmp" and ".NAME.part".
inline constexpr std::string_view kTemporarySuffix = ".tmp";
inline constexpr std::string_view kPartSuffix = ".part";

[[nodiscard]] Status write_atomic(const std::filesystem::path& path, std::string_view bytes,
                                  unsigned mode = 0644);

/// Fails on a file of more than `max_bytes` without reading it, and on what is no regular file
/// without waiting for it.
[[nodiscard]] Result<std::string> read_bounded(const std::filesystem::path& path,
                                               std::uint64_t max_bytes);

/// Whether anything stands there, be it a link that leads nowhere.
[[nodiscard]] bool is_there(const std::filesystem::path& path);

[[nodiscard]] Status make_folder(const std::filesystem::path& folder);
[[nodiscard]] Status sync_file(const std::filesystem::path& path);
[[nodiscard]] Status sync_folder(const std::filesystem::path& folder);

/// Makes room for a file or link.
void make_way(const std::filesystem::path& path);

/// Renames and makes the renaming last.
[[nodiscard]] Status rename_synced(const std::filesystem::path& from,
                                   const std::filesystem::path& to);

/// Removes what interrupted writers left in a folder; returns how many files.
std::size_t remove_leftovers(const std::filesystem::path& folder);

}  // namespace sluice::files
