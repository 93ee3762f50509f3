// Names under which anybody may register one ("co.uk", "github.io"): to list one with what is below
// it is to list strangers. The list is Debian's package publicsuffix, which is kept up to date.
//
// Thread safety: free function.
#pragma once

#include "config/base/result.h"
#include "control/compile/rules.h"

namespace sluice::compile {

/// All of two labels and more, as names that are exactly so. Of a wildcard rule, the names that it
/// stands for are not known one by one; its parent is taken.
[[nodiscard]] Result<NameSet> read_public_suffixes(
    const std::filesystem::path& file = "/usr/share/publicsuffix/public_suffix_list.dat");

}  // namespace sluice::compile
