#include "config/schema/utf8.h"

#include <algorithm>
#include <cstdint>

namespace sluice::schema {
namespace {

/// The range of the second octet and the length, by first octet (RFC 3629 section 4).
struct Lead {
  std::size_t length = 0;  // 0: no character starts so
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
};

Lead lead_of(std::uint8_t octet) {
  if (octet < 0x80) return {1};
  if (octet < 0xc2) return {};
  if (octet < 0xe0) return {2};
  if (octet == 0xe0) return {3, 0xa0};
  if (octet == 0xed) return {3, 0x80, 0x9f};
  if (octet < 0xf0) return {3};
  if (octet == 0xf0) return {4, 0x90};
  if (octet < 0xf4) return {4};
  if (octet == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

}  // namespace

std::size_t find_malformed_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Lead lead = lead_of(static_cast<std::uint8_t>(text[at]));
    if (lead.length == 0 || text.size() - at < lead.length) return at;
    for (std::size_t i = 1; i < lead.length; ++i) {
      const auto octet = static_cast<std::uint8_t>(text[at + i]);
      const std::uint8_t low = i == 1 ? lead.low : 0x80;
      const std::uint8_t high = i == 1 ? lead.high : 0xbf;
      if (octet < low || octet > high) return at;
    }
    at += lead.length;
  }
  return std::string_view::npos;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char octet) {
    return (static_cast<std::uint8_t>(octet) & 0xc0U) != 0x80U;
  }));
}

}  // namespace sluice::schema
