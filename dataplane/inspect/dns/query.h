// Finds the names that a DNS query asks for, and what an answer to it must echo.
//
// RFC 1035 4.1 (message), RFC 6891 6.1 (OPT), RFC 9619 (QDCOUNT is 1: senders that know better hide
// a name in a second question, so that a few more are read).
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "config/name/folded_name.h"
#include "dataplane/inspect/dns/message.h"
#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::dns {

inline constexpr std::size_t kMaxQuestions = 4;
inline constexpr std::size_t kQuestionScratchOctets = kMaxQuestions * 255;

struct Query : Edns {
  Defect defect = Defect::none;
  /// The first QNAME in wire form, root label included, where it stands in the message; the root
  /// where that holds a pointer.
  std::span<const std::uint8_t> name;
  std::uint16_t type = 0;          // of the first question
  std::uint16_t question_end = 0;  // offset after the last QCLASS
  std::uint8_t question_count = 0;
  /// What has to be judged: every QNAME but the root, of class IN or ANY. One that holds a pointer
  /// stands in the scratch.
  std::uint8_t name_count = 0;
  std::array<std::span<const std::uint8_t>, kMaxQuestions> names;  // name_count of them

  /// As new, but for names that do not count: they are too many octets for each query.
  void clear() {
    static_cast<Edns&>(*this) = {};
    defect = Defect::none;
    name = {};
    type = 0;
    question_end = 0;
    question_count = 0;
    name_count = 0;
  }
};

/// found: a standard query of class IN or ANY for a name other than the root; `defect` tells what
/// is wrong behind it, if anything. no_name: a response, another opcode or class, or the root.
/// Pointers in a question, which no client needs, are followed as some servers do: the scratch
/// should have kQuestionScratchOctets for that. Without any, they are a defect.
[[nodiscard]] Outcome parse_query(std::span<const std::uint8_t> message, Query& out,
                                  std::span<std::uint8_t> scratch = {});

/// What nearly every query is: standard, with one question of class IN or ANY for an uncompressed
/// name, and no record but an OPT. True where it is, and `name` is read with it; otherwise
/// parse_query() tells.
[[nodiscard]] bool parse_plain_query(std::span<const std::uint8_t> message, Query& out,
                                     name::FoldedName& name);

/// The `count` questions behind the header, into a Query that is still empty.
[[nodiscard]] Defect read_questions(std::span<const std::uint8_t> message, unsigned count,
                                    Query& out, std::span<std::uint8_t> scratch);

}  // namespace sluice::inspect::dns
