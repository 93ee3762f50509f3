// Layers of other owners than the site.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "control/compile/release.h"

namespace sluice::service {

/// The file of them that a release has signed, or null.
[[nodiscard]] const compile::ListFile* layers_file(const compile::Release& release);

/// The configuration with what a release holds of layers; fails where that has faults, or its file
/// is not the one that was signed.
[[nodiscard]] Result<schema::Config> with_signed_layers(const schema::Config& config,
                                                        const compile::Release& release,
                                                        const std::filesystem::path& lists_dir);

/// Keeps a second copy of that file, `copy`, or restores the file from it: without it no generation
/// is made, and the mirror may be away. Forgets the copy where the release has no such file.
void keep_signed_layers(const compile::Release& release, const std::filesystem::path& lists_dir,
                        const std::filesystem::path& copy);

/// Keeps the layers that are in force, each for the time when its file has faults; forgets those
/// that the configuration names no more. Not of one that is tried: what that has in their place, or
/// leaves out, is of no account once it ends.
void keep_layers(const schema::Config& config);

}  // namespace sluice::service
