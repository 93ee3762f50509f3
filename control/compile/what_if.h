// What a release would have changed on this very box: of the blocks that the dataplane remembers,
// how many names would be let through from now on.
//
// Only that direction can be told. What was blocked is remembered by the listed name, without who
// asked and without the name that was asked for; what passed is not remembered at all, so nobody
// can say how much of it a release would block. For that there are the bounds on growth, popular
// and protected names, and probes.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/base/result.h"
#include "config/generation/reader.h"

namespace sluice::compile {

/// One block by an entry of the authority's.
struct PastBlock {
  std::string entry;  // the listed name
  std::string category;
};

/// Of the dataplane's answer to {"command":"events"}; what a site lists itself is left aside.
[[nodiscard]] std::vector<PastBlock> past_blocks(const nlohmann::json& reply);

/// By category, and of no name.
struct WhatIf {
  struct Count {
    std::uint64_t blocks = 0;
    std::uint64_t lifted = 0;  // of them, that would pass
  };
  Count all;
  std::map<std::string, Count> by_category;
};

[[nodiscard]] WhatIf what_if(const std::vector<PastBlock>& blocks,
                             const generation::Generation& made);

[[nodiscard]] nlohmann::json to_json(const WhatIf& found);

/// Fewer blocks say nothing.
inline constexpr std::uint64_t kWhatIfFrom = 100;

/// What a person has to look at; nothing where no more than `most` millionths are lifted.
[[nodiscard]] std::vector<Error> check_what_if(const WhatIf& found, std::uint64_t most);

}  // namespace sluice::compile
