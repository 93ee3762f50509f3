// Finds the names that a DNS response leads its asker to, other than the one asked for: an allowed
// name may be an alias of a blocked one. And the ECH configurations it hands out.
//
// RFC 1035 4.1, RFC 6672 (DNAME), RFC 9460 section 2 (SVCB, HTTPS), RFC 9848 (the "ech" parameter),
// RFC 9849 section 4 (ECHConfigList).
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/inspect/dns/query.h"
#include "dataplane/inspect/outcome.h"

namespace sluice::inspect::dns {

/// Longer chains than resolvers follow.
inline constexpr std::size_t kMaxChain = 16;
inline constexpr std::size_t kResponseScratchOctets = (1 + kMaxChain) * 255;
inline constexpr std::size_t kMaxEchConfigs = 4;

struct EchConfig {
  std::uint8_t config_id = 0;
  std::string_view public_name;  // as sent
};

struct Response {
  Defect defect = Defect::none;
  /// The question as it is repeated, and the OPT of the response: what an answer in its place
  /// needs.
  Query question;
  std::size_t count = 0;
  /// In wire form, in the scratch, each once: targets of CNAME, DNAME, SVCB and HTTPS records, and
  /// owners of answer records, unless they are QNAME.
  std::array<std::span<const std::uint8_t>, kMaxChain> names;
  bool overflow = false;  // there were more names than fit
  bool has_ech = false;   // of any version
  std::size_t ech_count = 0;
  std::array<EchConfig, kMaxEchConfigs> ech;  // the first ones of version 0xfe0d
};

/// malformed: the rest is what could be read before the defect; a client may read no further
/// either. found: a response to a standard query with at least one other name. no_name: one
/// without, which may have `ech` nevertheless, or no such response. The scratch should have
/// kResponseScratchOctets.
[[nodiscard]] Outcome parse_response(std::span<const std::uint8_t> message,
                                     std::span<std::uint8_t> scratch, Response& out);

}  // namespace sluice::inspect::dns
