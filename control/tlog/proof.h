// Proofs that a release was logged (c2sp.org/tlog-proof), and what is logged of it.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "control/tlog/note.h"
#include "control/tlog/policy.h"

namespace sluice::tlog {

inline constexpr std::size_t kMaxProofOctets = 65'536;

struct Proof {
  std::uint64_t index = 0;
  std::vector<Hash> hashes;  // from the leaf's sibling up
  std::string checkpoint;    // the signed note
};

/// `where` names the proof in errors. Extra data in it is passed over: nobody has signed it.
[[nodiscard]] Result<Proof> parse_proof(std::string_view text, std::string_view where);
[[nodiscard]] std::string proof_text(const Proof& proof);

/// The leaf of a release: canonical JSON of its snapshot's version and SHA-256.
[[nodiscard]] std::string release_leaf(std::uint64_t version, std::string_view sha256);

struct ReleaseLeaf {
  std::uint64_t version = 0;
  std::string sha256;
};
[[nodiscard]] Result<ReleaseLeaf> parse_release_leaf(std::string_view entry,
                                                     std::string_view where);

/// Whether the policy believes that this entry is in its log.
[[nodiscard]] Result<Believed> verify_proof(const Proof& proof, std::string_view entry,
                                            const LogPolicy& policy, std::string_view where);

}  // namespace sluice::tlog
