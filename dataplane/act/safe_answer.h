// Safe search in DNS messages: a query is asked for the name under which a search engine holds back
// what is not for minors, and answered as if the name that was asked for were an alias of it.
//
// RFC 1034 3.6.2 (aliases), RFC 1035 4.1, RFC 2308 2.2 (NODATA behind an alias), RFC 6891 6.1.1
// (OPT), RFC 8914 (EDE).
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/inspect/dns/addresses.h"
#include "dataplane/inspect/dns/query.h"

namespace sluice::act {

/// A name of policy::kMaxSafeName octets in wire form.
inline constexpr std::size_t kMaxSafeWire = 64;
/// So long that every client takes it (RFC 1035 4.2.1).
inline constexpr std::size_t kMaxSafeAnswer = 512;
/// The longest query that is asked in another's place.
inline constexpr std::size_t kMaxSafeQuery = 1232;

/// The query with `safe` for its name. Neither signatures nor what a validator says of them are
/// asked for: what comes back is not what was signed. `query` is what was read from `message`, with
/// one question. Returns the length, or 0 where it does not fit.
[[nodiscard]] std::size_t write_safe_query(std::span<const std::uint8_t> message,
                                           const inspect::dns::Query& query,
                                           std::span<const std::uint8_t> safe,
                                           std::span<std::uint8_t, kMaxSafeQuery> out);

struct SafeAnswer {
  std::span<const std::uint8_t> question;  // QNAME as it was asked, QTYPE and QCLASS; or none
  std::uint16_t id = 0;
  std::uint16_t flags = 0;             // all of them, RCODE as well
  std::span<const std::uint8_t> safe;  // what the name is an alias of; empty: of none
  /// Of `safe`; null or none: with `no_data`, an SOA says for how long there is none.
  const inspect::dns::Addresses* addresses = nullptr;
  bool no_data = false;
  std::uint32_t ttl = 0;  // of the alias without addresses, and of the SOA

  bool has_opt = false;
  bool dnssec_ok = false;
  std::uint16_t udp_size = 1232;
  std::uint8_t extended_rcode = 0;
  std::span<const std::uint8_t> options;  // of a server, which stay as far as there is room
  std::span<const std::uint8_t> client_cookie;
};

/// Always fits: `question` has at most kMaxSafeWire + 4 octets, and no more options are taken than
/// there is room for.
[[nodiscard]] std::size_t write_safe_answer(const SafeAnswer& answer,
                                            std::span<std::uint8_t, kMaxSafeAnswer> out);

}  // namespace sluice::act
