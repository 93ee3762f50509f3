// The SOA record that says how long an answer made here may be remembered as none (RFC 2308 3).
//
// Thread safety: constant data.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/packet/checksum.h"

namespace sluice::act {

/// An SOA record, but for its owner and the two fields of its TTL. MNAME: no server to ask (RFC
/// 6761 6.3); RNAME: no mailbox (RFC 6761 6.4); SERIAL 1, REFRESH 3,600, RETRY 600, EXPIRE 86,400.
struct SoaTemplate {
  static constexpr std::size_t kOwnerAt = 0;
  static constexpr std::size_t kTtlAt = 6;
  static constexpr std::size_t kOctets = 59;
  static constexpr std::size_t kMinimumAt = kOctets - 4;

  std::array<std::uint8_t, kOctets> octets{};
  packet::Sum sum = 0;

  constexpr SoaTemplate() {
    using namespace std::string_view_literals;
    constexpr auto kText =
        "\0\0\0\6\0\1\0\0\0\0\0\x2f"
        "\x09localhost\0\x06nobody\x07invalid\0"
        "\0\0\0\x01\0\0\x0e\x10\0\0\x02\x58\0\x01\x51\x80\0\0\0\0"sv;
    static_assert(kText.size() == kOctets && kText[11] == kOctets - 12);
    for (std::size_t i = 0; i < kOctets; ++i) {
      octets[i] = static_cast<std::uint8_t>(kText[i]);
      sum += packet::Sum{octets[i]} << (i % 2 == 0 ? 8 : 0);
    }
  }
};
inline constexpr SoaTemplate kSoa;

}  // namespace sluice::act
