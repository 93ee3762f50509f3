// Layers that the authority signed: a release brings them, and they go into the site's policy. Also
// for who asks what a policy would do without a running process.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "control/compile/release.h"

namespace sluice::service {

inline constexpr std::uint64_t kMaxLayersOctets = 65'536;  // of the signed file

/// The file of them that a release has signed, or null.
[[nodiscard]] const compile::ListFile* layers_file(const compile::Release& release);

/// The configuration with what a release holds of layers; fails where that has faults, or its file
/// is not the one that was signed.
[[nodiscard]] Result<schema::Config> with_signed_layers(const schema::Config& config,
                                                        const compile::Release& release,
                                                        const std::filesystem::path& lists_dir);

/// The release that is kept beside its lists; nothing where none is.
[[nodiscard]] Result<std::optional<compile::Release>> kept_release(
    const std::filesystem::path& lists_dir);

/// The same by the release that is kept in the configuration's state_dir; as it is where none is.
[[nodiscard]] Result<schema::Config> with_kept_layers(const schema::Config& config);

}  // namespace sluice::service
