// The host within an authority, as HTTP's Host, absolute targets, :authority and careless server
// names carry it: "host", "host:port", "[v6]:port", "user@host" (RFC 3986 section 3.2, RFC 9110
// sections 4.2.4 and 7.2).
//
// Thread safety: a free function over the caller's bytes.
#pragma once

#include <string_view>

namespace sluice::inspect::http {

/// Without user information, port and blanks around it, otherwise as sent: in any case, with its
/// trailing dot or brackets. What stands behind a host name's colon need not be a port: some
/// servers do not look at it.
[[nodiscard]] std::string_view host_of(std::string_view authority);

}  // namespace sluice::inspect::http
