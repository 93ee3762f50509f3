// config/lists/safe-search.yaml, as it was when the program was built: so that a configuration
// means the same whatever is installed beside it.
//
// Thread safety: constant data.
#pragma once

#include <string_view>

namespace sluice::schema {

extern const std::string_view kSafeSearchData;

}  // namespace sluice::schema
