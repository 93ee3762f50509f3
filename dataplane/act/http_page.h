// The answer to a blocked HTTP request: 451 where an authority ordered the block (RFC 7725), 403
// where it is the operator's or the guardian's, with a page that says why and under which incident.
//
// Thread safety: free functions over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "config/policy/policy.h"
#include "dataplane/act/incident.h"

namespace sluice::act {

struct HttpBlock {
  bool ordered = false;  // by an authority
  bool head = false;     // the request was HEAD: no content (RFC 9110 9.3.2)
  policy::Reason reason = policy::Reason::category;
  std::string_view category;  // its name
  std::string_view name;      // the listed name; host octets only, so that it needs no escaping;
                              // where none is listed, the one that was asked for
  IncidentId incident;
};

/// Fits one segment of any path (kMaxSegmentPayload).
inline constexpr std::size_t kMaxHttpPage = 1200;

[[nodiscard]] std::size_t write_http_page(const HttpBlock& block,
                                          std::span<std::uint8_t, kMaxHttpPage> out);

}  // namespace sluice::act
