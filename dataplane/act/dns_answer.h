// Turns a blocked DNS query into its answer, in the query's own buffer (DESIGN section 6): same
// ports, id and question octets; NXDOMAIN or the block page's address; SOA for negative caching at
// the listed name; OPT if the query had one, with the reason as an Extended DNS Error.
//
// RFC 1035 4.1.1, RFC 2308 3 (SOA), RFC 6891 6.1.1 (OPT), RFC 7873 5.2 (cookies), RFC 8914 (EDE).
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/policy/policy.h"
#include "dataplane/act/incident.h"
#include "dataplane/inspect/dns/query.h"
#include "dataplane/packet/frame.h"

namespace sluice::act {

/// RFC 8914 section 4.
enum class ExtendedError : std::uint16_t { blocked = 15, censored = 16, filtered = 17 };

struct DnsBlock {
  const policy::BlockAnswer* answer = nullptr;
  ExtendedError error = ExtendedError::blocked;
  std::string_view category;  // its name, for the EDE text
  IncidentId incident;
  std::uint8_t listed_labels = 0;  // of QNAME, from the right: the owner of the SOA
};

/// Rewrites the query at `frame` as its answer; `capacity` octets belong to the buffer. Returns the
/// new length of the frame, or 0 where the answer does not fit.
[[nodiscard]] std::size_t write_dns_answer(std::uint8_t* frame, std::size_t capacity,
                                           const packet::Frame& parsed,
                                           const inspect::dns::Query& query, const DnsBlock& block);

}  // namespace sluice::act
