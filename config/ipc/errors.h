// What errors say that a peer tells apart from others.
#pragma once

#include <string_view>

namespace sluice::ipc {

/// Of sluice-control, asked about the configuration that is tried: there is none.
inline constexpr std::string_view kNoTrial = "no configuration is being tried";

}  // namespace sluice::ipc
