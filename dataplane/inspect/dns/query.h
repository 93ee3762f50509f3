// Finds the name that a DNS query asks for, and what an answer to it must echo.
//
// RFC 1035 4.1 (message), RFC 6891 6.1 (OPT), RFC 7873 4 (cookies), RFC 9619 (QDCOUNT is 1).
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::dns {

inline constexpr std::size_t kHeaderOctets = 12;
inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeSoa = 6;
inline constexpr std::uint16_t kTypeAaaa = 28;
inline constexpr std::uint16_t kTypeOpt = 41;
inline constexpr std::uint16_t kTypeAny = 255;
inline constexpr std::uint16_t kClassIn = 1;
inline constexpr std::uint16_t kClassAny = 255;

enum class Defect : std::uint8_t {
  none,
  short_header,    // under 12 octets
  question_count,  // QDCOUNT is not 1
  cut_question,    // the message ends inside the question
  pointer,         // a compression pointer in the question, where nothing precedes it
  label_type,      // label types 01 and 10 (RFC 2673, obsolete)
  name_too_long,   // over 255 octets
  cut_record,      // a record, or its length, goes past the message
  duplicate_opt,   // more than one OPT (RFC 6891 6.1.1)
};

struct Query {
  Defect defect = Defect::none;
  std::span<const std::uint8_t> name;  // QNAME in wire form, root label included
  std::uint16_t type = 0;
  std::uint16_t question_end = 0;  // offset after QCLASS
  bool has_opt = false;
  bool dnssec_ok = false;
  std::uint16_t udp_size = 512;                 // what the client takes; at least 512
  std::span<const std::uint8_t> client_cookie;  // 8 octets, or empty
};

/// found: a standard query of class IN or ANY for a name other than the root. no_name: a response,
/// another opcode or class, or the root.
[[nodiscard]] Outcome parse_query(std::span<const std::uint8_t> message, Query& out);

}  // namespace sluice::inspect::dns
