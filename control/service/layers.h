// Files of other owners than the site, kept for the time when they have faults or are lost.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <filesystem>

#include "config/schema/config.h"
#include "control/compile/release.h"

namespace sluice::service {

/// Keeps a second copy of the release's signed layers, `copy`, or restores the file from it:
/// without it no generation is made, and the mirror may be away. Forgets the copy where the release
/// has no such file.
void keep_signed_layers(const compile::Release& release, const std::filesystem::path& lists_dir,
                        const std::filesystem::path& copy);

/// Keeps the layers that are in force, each for the time when its file has faults; forgets those
/// that the configuration names no more. Not of one that is tried: what that has in their place, or
/// leaves out, is of no account once it ends.
void keep_layers(const schema::Config& config);

}  // namespace sluice::service
