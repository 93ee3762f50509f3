// Where the release in use is kept, beside its lists.
#pragma once

namespace sluice::service {

inline constexpr const char* kReleaseFile = "release.json";

}  // namespace sluice::service
