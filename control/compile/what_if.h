// What a release would have changed on this very box: of the blocks that the dataplane remembers,
// how many would be let through from now on; of the names that passed lately, how many would be
// blocked.
//
// What was blocked is remembered by the listed name, without who asked and without the name that
// was asked for. Of what passed the dataplane keeps keyed hashes of a few names in its memory, and
// answers with counts alone (dataplane/trial).
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

  struct Passed {
    std::uint64_t names = 0;
    std::uint64_t blocked = 0;  // of them, that would be, in steps
    std::map<std::string, std::uint64_t> by_category;
  };
  std::optional<Passed> passed;
  std::string passed_not_asked;  // why there is none
};

[[nodiscard]] WhatIf what_if(const std::vector<PastBlock>& blocks,
                             const generation::Generation& made);

/// Of the dataplane's answer to {"command":"trial"}; nullopt where it is none.
[[nodiscard]] std::optional<WhatIf::Passed> passed_names(const nlohmann::json& reply);

[[nodiscard]] nlohmann::json to_json(const WhatIf& found);

/// Fewer blocks say nothing.
inline constexpr std::uint64_t kWhatIfFrom = 100;

/// What a person has to look at; nothing where no more than `most` millionths are lifted, or newly
/// blocked.
[[nodiscard]] std::vector<Error> check_what_if(const WhatIf& found, std::uint64_t most);
[[nodiscard]] std::vector<Error> check_passed(const WhatIf& found, std::uint64_t most);

}  // namespace sluice::compile
