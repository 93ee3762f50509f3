// Turns a blocked DNS query into its answer (DESIGN section 6): same id and question octets;
// NXDOMAIN or the block page's address; SOA for negative caching at the listed name; OPT if the
// query had one, with the reason as an Extended DNS Error.
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
#include "dataplane/packet/reply.h"

namespace sluice::act {

/// RFC 8914 section 4.
enum class ExtendedError : std::uint16_t { blocked = 15, censored = 16, filtered = 17 };

struct DnsBlock {
  const policy::BlockAnswer* answer = nullptr;
  ExtendedError error = ExtendedError::blocked;
  std::string_view category;  // its name, for the EDE text; or why, where there is none
  IncidentId incident;
  /// Of the listed name's labels, in wire form: so much of QNAME's end owns the SOA, all where it
  /// is shorter.
  std::size_t listed_octets = SIZE_MAX;
  /// Whether the block page's address may stand for the name's, where `answer` has it so: a program
  /// that looks for a resolver would take it for one.
  bool may_have_page = true;
  policy::Reason reason = policy::Reason::category;
};

/// The longest message that write_dns_message() makes.
inline constexpr std::size_t kMaxDnsMessage = 1232;

/// The answer to `request`, which is the message that `query` was read from: a query, or the
/// response of another server that is replaced. `out` may begin where the request does. Returns its
/// length, or 0 where it does not fit.
[[nodiscard]] std::size_t write_dns_message(std::span<const std::uint8_t> request,
                                            const inspect::dns::Query& query, const DnsBlock& block,
                                            std::span<std::uint8_t, kMaxDnsMessage> out);

/// Writes a UDP datagram that carries `message` in place of the one in `original`, into `out`,
/// which may begin at the same address. Returns the frame's length, or 0 where `capacity` octets do
/// not take it.
[[nodiscard]] std::size_t write_udp_datagram(std::span<const std::uint8_t> original,
                                             const packet::Frame& parsed, packet::Way way,
                                             std::span<const std::uint8_t> message,
                                             std::uint8_t* out, std::size_t capacity);

/// Both: the frame with the answer to `request`, which is its payload or was put together from it.
/// Written in place where `out` is the frame's own buffer. Returns its length, or 0 where it does
/// not fit.
[[nodiscard]] std::size_t write_dns_datagram(std::span<const std::uint8_t> original,
                                             const packet::Frame& parsed, packet::Way way,
                                             std::span<const std::uint8_t> request,
                                             const inspect::dns::Query& query,
                                             const DnsBlock& block, std::uint8_t* out,
                                             std::size_t capacity);

}  // namespace sluice::act
