// The parts of a DNS message that queries and responses share: the header's fields, names, records
// and the OPT record.
//
// RFC 1035 4.1 (message) and 4.1.4 (compression), RFC 6891 6.1 (OPT), RFC 7873 4 (cookies).
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::inspect::dns {

inline constexpr std::size_t kHeaderOctets = 12;
inline constexpr std::uint16_t kTypeA = 1;
inline constexpr std::uint16_t kTypeCname = 5;
inline constexpr std::uint16_t kTypeSoa = 6;
inline constexpr std::uint16_t kTypeAaaa = 28;
inline constexpr std::uint16_t kTypeDname = 39;
inline constexpr std::uint16_t kTypeOpt = 41;
inline constexpr std::uint16_t kTypeRrsig = 46;
inline constexpr std::uint16_t kTypeSvcb = 64;
inline constexpr std::uint16_t kTypeHttps = 65;
inline constexpr std::uint16_t kTypeAny = 255;
inline constexpr std::uint16_t kClassIn = 1;
inline constexpr std::uint16_t kClassAny = 255;

enum class Defect : std::uint8_t {
  none,
  short_header,    // under 12 octets
  question_count,  // QDCOUNT is 0, or more than are looked at
  cut_question,    // the message ends inside a question
  pointer,         // one that leads past the message, or over too many others, or is not followed
  label_type,      // label types 01 and 10 (RFC 2673, obsolete)
  name_too_long,   // over 255 octets
  cut_record,      // a record, its length or a name in it goes past what holds it
  duplicate_opt,   // more than one OPT (RFC 6891 6.1.1)
};

/// What the OPT record says of the sender, and what an answer has to echo.
struct Edns {
  bool has_opt = false;
  bool dnssec_ok = false;
  std::uint16_t udp_size = 512;                 // what the sender takes; at least 512
  std::span<const std::uint8_t> client_cookie;  // 8 octets, or empty
};

struct Record {
  std::size_t owner = 0;  // offset of the owner name, possibly compressed
  std::size_t data = 0;   // offset and octets of RDATA; within the message
  std::size_t length = 0;
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  std::uint16_t flags = 0;  // the low half of TTL, which holds OPT's flags
};

/// The uncompressed name at `at`; `at` moves behind its root label.
[[nodiscard]] Defect read_question_name(std::span<const std::uint8_t> message, std::size_t& at,
                                        std::span<const std::uint8_t>& name);

/// The record at `at`; `at` moves behind it. Its owner's pointers are not followed.
[[nodiscard]] Defect read_record(std::span<const std::uint8_t> message, std::size_t& at,
                                 Record& record);

/// Takes an OPT record's content; any other is left alone.
[[nodiscard]] Defect read_opt(std::span<const std::uint8_t> message, const Record& record,
                              Edns& out);

/// The name at `at`, pointers followed, written to `scratch` in wire form. A pointer may lead
/// anywhere in the message, as dnsmasq and glibc take it, and there may be sixteen of them. `end`
/// is the offset behind the name where it stands. A scratch under 255 octets is the name's bound.
[[nodiscard]] Defect expand_name(std::span<const std::uint8_t> message, std::size_t at,
                                 std::span<std::uint8_t> scratch,
                                 std::span<const std::uint8_t>& name, std::size_t& end);

/// Whether two wire names are the same but for ASCII case (RFC 4343).
[[nodiscard]] bool is_same_name(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace sluice::inspect::dns
