// The host within an authority, as HTTP's Host, absolute targets and :authority carry it: "host",
// "host:port", "[v6]:port" (RFC 3986 section 3.2, RFC 9110 sections 4.2.4 and 7.2).
//
// Thread safety: a free function over the caller's bytes.
#pragma once

#include <string_view>

namespace sluice::inspect::http {

/// False where it has user information, which a Host must not have. The host is told without port
/// and blanks around it, otherwise as sent: in any case, with its trailing dot or brackets.
[[nodiscard]] bool host_of(std::string_view authority, std::string_view& host);

}  // namespace sluice::inspect::http
