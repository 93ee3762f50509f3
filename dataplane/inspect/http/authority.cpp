#include "dataplane/inspect/http/authority.h"

namespace sluice::inspect::http {

std::string_view host_of(std::string_view authority) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = authority.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  authority = authority.substr(first, authority.find_last_not_of(kBlanks) - first + 1);
  authority = authority.substr(authority.rfind('@') + 1);  // npos + 1 == 0
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    return authority.substr(0, close == std::string_view::npos ? close : close + 1);
  }
  const std::string_view host = authority.substr(0, authority.find(':'));
  const bool one_colon = authority.find(':') == authority.rfind(':');
  // More than one: an IPv6 address without its brackets, kept whole.
  const bool group = host.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  return one_colon || !group ? host : authority;
}

}  // namespace sluice::inspect::http
