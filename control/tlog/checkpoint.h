// Checkpoints (c2sp.org/tlog-checkpoint): what a log's tree is at a size, as the text of a note.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/tlog/merkle.h"

namespace sluice::tlog {

/// So that sizes can be counted with signed numbers, as in a proof's limit.
inline constexpr std::uint64_t kMaxTreeSize = std::uint64_t{1} << 62;

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
};

/// The text of a note; extension lines are passed over. `where` names it in errors.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view text, std::string_view where);
[[nodiscard]] std::string checkpoint_text(const Checkpoint& checkpoint);

/// A decimal number without leading zeroes, at most kMaxTreeSize.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace sluice::tlog
