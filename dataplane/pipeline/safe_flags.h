// What safe search's two directions know of a DNS message: RFC 1035 section 4.1.
//
// Thread safety: free functions over the caller's data.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/act/safe_answer.h"
#include "dataplane/inspect/dns/query.h"
#include "dataplane/packet/bytes.h"

namespace sluice::pipeline {

inline constexpr std::uint16_t kResponseFlags = 0x8080;  // QR, RA
inline constexpr std::uint16_t kAuthoritative = 0x0400;
inline constexpr std::uint16_t kTruncated = 0x0200;
inline constexpr std::uint16_t kRecursionDesired = 0x0100;
inline constexpr std::uint16_t kEchoedFlags = 0x0110;  // RD, CD
inline constexpr std::uint16_t kServerFailure = 2;

/// As nearly all queries are: one question of class IN for an uncompressed name.
[[nodiscard]] inline bool is_plain(std::span<const std::uint8_t> message,
                                   const inspect::dns::Query& query) {
  return query.question_count == 1 && query.name.size() > 1 &&
         query.name.data() == message.data() + inspect::dns::kHeaderOctets &&
         query.name.size() <= act::kMaxSafeWire &&
         packet::load16(&message[query.question_end - 2U]) == inspect::dns::kClassIn;
}

}  // namespace sluice::pipeline
