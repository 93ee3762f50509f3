// Where the release in use is kept, beside its lists.
#pragma once

#include <cstdint>

namespace sluice::service {

inline constexpr const char* kReleaseFile = "release.json";
inline constexpr std::uint64_t kMaxReleaseOctets = 1 << 20;

}  // namespace sluice::service
