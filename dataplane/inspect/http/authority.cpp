#include "dataplane/inspect/http/authority.h"

namespace sluice::inspect::http {

bool host_of(std::string_view authority, std::string_view& host) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = authority.find_first_not_of(kBlanks);
  host = {};
  if (first == std::string_view::npos) return true;
  authority = authority.substr(first, authority.find_last_not_of(kBlanks) - first + 1);
  if (authority.find('@') != std::string_view::npos) return false;
  if (authority.front() == '[') {
    const std::size_t close = authority.find(']');
    host = authority.substr(0, close == std::string_view::npos ? close : close + 1);
    return true;
  }
  // More than one colon: an IPv6 address without its brackets, kept whole.
  const std::size_t colon = authority.find(':');
  host = colon == authority.rfind(':') ? authority.substr(0, colon) : authority;
  return true;
}

}  // namespace sluice::inspect::http
