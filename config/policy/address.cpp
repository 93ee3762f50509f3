// Text forms of prefixes and hardware addresses.
#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "config/policy/policy.h"

namespace sluice::policy {
namespace {

bool host_bits_are_zero(const Prefix& prefix) {
  const unsigned bits = prefix.ipv6 ? 128 : 32;
  for (unsigned i = prefix.length; i < bits; ++i) {
    if ((prefix.address[i / 8] & (0x80U >> (i % 8))) != 0) return false;
  }
  return true;
}

/// How a MAC address is written here that others write 02-00-5E-10-00-01, 0200.5e10.0001 or without
/// anything between; an example where it is none.
std::string mac_as_here(std::string_view text_in) {
  std::string digits;
  for (const char c : text_in) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!hex && c != '-' && c != '.' && c != ':') return "02:00:5e:10:00:01";
    if (hex) digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (digits.size() != 12) return "02:00:5e:10:00:01";
  for (std::size_t at = 10; at > 0; at -= 2) digits.insert(at, ":");
  return digits;
}

}  // namespace

Result<Prefix> parse_prefix(std::string_view text_in) {
  const std::size_t slash = text_in.find('/');
  const std::string address(text_in.substr(0, slash));
  Prefix prefix;
  prefix.ipv6 = address.find(':') != std::string::npos;
  if (inet_pton(prefix.ipv6 ? AF_INET6 : AF_INET, address.c_str(), prefix.address.data()) != 1) {
    return fail("not an IP prefix", std::string(text_in),
                "write it as 192.0.2.0/24 or 2001:db8::/32");
  }
  const unsigned bits = prefix.ipv6 ? 128 : 32;
  unsigned length = bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text_in.substr(slash + 1);
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (code != std::errc{} || end != digits.data() + digits.size() || length > bits) {
      return fail("the prefix length is not a number from 0 to " + std::to_string(bits),
                  std::string(text_in));
    }
  }
  prefix.length = static_cast<std::uint8_t>(length);
  if (!host_bits_are_zero(prefix)) {
    Prefix masked = prefix;
    for (unsigned i = length; i < bits; ++i) {
      masked.address[i / 8] =
          static_cast<std::uint8_t>(masked.address[i / 8] & ~(0x80U >> (i % 8)));
    }
    return fail("bits are set beyond the prefix length", std::string(text_in),
                "write " + text(masked));
  }
  return prefix;
}

Result<Prefix> parse_placed_prefix(std::string_view text_in) {
  const std::size_t at = text_in.find('@');
  auto prefix = parse_prefix(text_in.substr(0, at));
  if (!prefix || at == text_in.npos) return prefix;
  const char* next = text_in.data() + at;
  const char* const end = text_in.data() + text_in.size();
  const auto read = [&](std::uint16_t& vlan) {  // behind one octet more
    const auto [after, code] = std::from_chars(next + 1, end, vlan);
    const bool good = code == std::errc{} && vlan >= 1 && vlan <= 4094;
    next = after;
    return good;
  };
  bool good = read(prefix->vlan.outer);
  if (good && next != end && *next == '.') good = read(prefix->vlan.inner);
  if (good && next == end) return prefix;
  return fail("no VLAN stands behind the @", std::string(text_in),
              "write 10.7.0.0/16@20, or @20.7 for VLAN 7 inside 20");
}

std::string text(const Prefix& prefix) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(prefix.ipv6 ? AF_INET6 : AF_INET, prefix.address.data(), buffer.data(), buffer.size());
  std::string out = std::string(buffer.data()) + "/" + std::to_string(prefix.length);
  if (prefix.vlan.outer != 0) out += "@" + std::to_string(prefix.vlan.outer);
  if (prefix.vlan.inner != 0) out += "." + std::to_string(prefix.vlan.inner);
  return out;
}

Result<Mac> parse_mac(std::string_view text_in) {
  Mac mac{};
  const char* at = text_in.data();
  const char* const end = at + text_in.size();
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const auto [next, code] = std::from_chars(at, std::min(at + 2, end), mac[i], 16);
    const bool whole = code == std::errc{} && next == at + 2;
    const bool separated = i + 1 == mac.size() ? next == end : next != end && *next == ':';
    if (!whole || !separated) {
      return fail("not a MAC address", std::string(text_in), "write it as " + mac_as_here(text_in));
    }
    at = next + 1;
  }
  return mac;
}

std::string text(const Mac& mac) {
  std::array<char, 18> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
                mac[2], mac[3], mac[4], mac[5]);
  return buffer.data();
}

}  // namespace sluice::policy
