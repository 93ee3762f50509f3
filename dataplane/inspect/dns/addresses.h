// Reads what a DNS response says of the addresses of one name: of the name itself, or of what its
// aliases lead to. Whatever else the response holds does not count.
//
// RFC 1035 4.1, RFC 2181 8 (TTL), RFC 6891 6.1 (OPT).
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/inspect/dns/message.h"

namespace sluice::inspect::dns {

inline constexpr std::size_t kMaxAddresses = 8;

struct Addresses {
  std::uint32_t ttl = 0;    // the least on the way to them
  std::uint8_t octets = 4;  // of each: 4 or 16
  std::uint8_t count = 0;   // the first ones, of more than fit
  std::array<std::array<std::uint8_t, 16>, kMaxAddresses> list;
};

/// Octets of an address of the type; 0 of any type but A and AAAA.
[[nodiscard]] constexpr std::uint8_t address_octets(std::uint16_t type) {
  return type == kTypeA ? std::uint8_t{4} : type == kTypeAaaa ? std::uint8_t{16} : std::uint8_t{0};
}

enum class Answered : std::uint8_t {
  other,      // no response to this question
  read,       // `addresses` holds what there is, which may be nothing; `rcode` is 0 or 3
  failed,     // another `rcode`
  truncated,  // without an address; whoever asked has to ask again over TCP
  malformed,
};

struct AddressResponse {
  Answered answered = Answered::other;
  std::uint8_t rcode = 0;
  Addresses addresses;
  bool has_opt = false;
  std::uint16_t udp_size = 0;             // of OPT: its CLASS
  std::uint8_t extended_rcode = 0;        // of OPT: the upper octets of RCODE
  std::span<const std::uint8_t> options;  // of OPT
};

/// `name`: uncompressed wire form, root label included. `type`: A or AAAA.
[[nodiscard]] AddressResponse read_addresses(std::span<const std::uint8_t> message,
                                             std::span<const std::uint8_t> name,
                                             std::uint16_t type);

}  // namespace sluice::inspect::dns
