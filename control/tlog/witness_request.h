// What a witness is asked with: the body of POST add-checkpoint (c2sp.org/tlog-witness), which
// anybody may send.
//
// Thread safety: free functions on the caller's data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/tlog/merkle.h"
#include "control/tlog/note.h"

namespace sluice::tlog {

struct WitnessRequest {
  std::uint64_t old_size = 0;  // of the checkpoint that the witness cosigned last
  std::vector<Hash> proof;     // that the log continues it; kMaxProofHashes at most
  Note note;                   // the checkpoint, signed by the log
};

[[nodiscard]] Result<WitnessRequest> parse_witness_request(std::string_view text);

/// The one form that it has.
[[nodiscard]] std::string witness_request_text(const WitnessRequest& request);

}  // namespace sluice::tlog
