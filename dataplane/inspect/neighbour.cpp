#include "dataplane/inspect/neighbour.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"

namespace sluice::inspect {
namespace {

using packet::load16;
using Kind = NeighbourClaim::Kind;

constexpr std::size_t kMacs = 12;
constexpr std::size_t kIpv6Header = 40;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint8_t kHopLimit = 255;  // RFC 4861 6.1.1, 7.1.1, 7.1.2
constexpr std::uint8_t kRouterSolicitation = 133;
constexpr std::uint8_t kNeighborSolicitation = 135;
constexpr std::uint8_t kNeighborAdvertisement = 136;
constexpr std::uint8_t kSourceLinkLayerAddress = 1;  // RFC 4861 4.6.1
constexpr std::uint8_t kTargetLinkLayerAddress = 2;

bool is_tag(std::uint16_t type) {
  return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

bool is_one_stations(const std::uint8_t* address, bool ipv6) {
  if (ipv6) {
    return address[0] != 0xff && std::any_of(address, address + 16, [](auto o) { return o != 0; });
  }
  const std::uint32_t number = packet::load32(address);
  return number >> 24 != 0 && number >> 24 != 127 && number < 0xe0000000;
}

void set_address(NeighbourClaim& claim, Kind kind, const std::uint8_t* address) {
  if (!is_one_stations(address, claim.ipv6)) return;
  claim.kind = kind;
  std::memcpy(claim.address.data(), address, claim.ipv6 ? 16 : 4);
}

// RFC 826: Ethernet and IPv4; request or reply.
void read_arp(std::span<const std::uint8_t> arp, NeighbourClaim& claim) {
  if (arp.size() < 28 || load16(&arp[0]) != 1 || load16(&arp[2]) != 0x0800 || arp[4] != 6 ||
      arp[5] != 4) {
    return;
  }
  const std::uint16_t operation = load16(&arp[6]);
  if (operation != 1 && operation != 2) return;
  if (!std::equal(claim.mac.begin(), claim.mac.end(), arp.begin() + 8)) return;
  const bool probes = operation == 1 && packet::load32(&arp[14]) == 0;  // RFC 5227 1.1
  set_address(claim, probes ? Kind::probe : Kind::claim, &arp[probes ? 24 : 14]);
}

/// Whether an option of this type, where there is one, holds the address of the sender. False also
/// where the options are malformed (RFC 4861 4.6).
bool options_agree(std::span<const std::uint8_t> options, std::uint8_t type,
                   const NeighbourClaim& claim, bool& there) {
  there = false;
  while (!options.empty()) {
    if (options.size() < 2) return false;
    const std::size_t length = options[1] * std::size_t{8};
    if (length == 0 || length > options.size()) return false;
    if (options[0] == type) {
      there = true;
      if (!std::equal(claim.mac.begin(), claim.mac.end(), options.begin() + 2)) return false;
    }
    options = options.subspan(length);
  }
  return true;
}

void read_icmpv6(std::span<const std::uint8_t> ip, NeighbourClaim& claim) {
  if (ip.size() < kIpv6Header + 8 || ip[0] >> 4 != 6 || ip[6] != kIcmpv6 || ip[7] != kHopLimit) {
    return;
  }
  const std::size_t length = load16(&ip[4]);
  if (length < 8 || length > ip.size() - kIpv6Header) return;
  const auto message = ip.subspan(kIpv6Header, length);
  const std::uint8_t type = message[0];
  const bool has_target = type == kNeighborSolicitation || type == kNeighborAdvertisement;
  if (message[1] != 0 || (!has_target && type != kRouterSolicitation)) return;
  const std::size_t fixed = has_target ? 24 : 8;
  if (length < fixed || packet::transport_checksum(ip.subspan(8, 32), kIcmpv6, message) != 0)
    return;
  bool there = false;
  const auto options = message.subspan(fixed);
  const std::uint8_t* const source = &ip[8];
  if (type == kNeighborAdvertisement) {
    if (!options_agree(options, kTargetLinkLayerAddress, claim, there)) return;
    return set_address(claim, Kind::claim, &message[8]);
  }
  const bool unspecified = std::all_of(source, source + 16, [](auto o) { return o == 0; });
  if (!options_agree(options, kSourceLinkLayerAddress, claim, there)) return;
  if (!unspecified) return set_address(claim, Kind::claim, source);
  // RFC 4862 5.4.2; RFC 4861 7.1.1: without the option then.
  if (type == kNeighborSolicitation && !there) set_address(claim, Kind::probe, &message[8]);
}

}  // namespace

NeighbourClaim read_neighbour(std::span<const std::uint8_t> frame) {
  NeighbourClaim claim;
  std::size_t at = kMacs;
  std::size_t tags = 0;
  for (; at + 4 <= frame.size() && is_tag(load16(&frame[at])); at += 4) {
    if (++tags > kMaxNeighbourTags) return claim;
    const auto vlan = static_cast<std::uint16_t>(load16(&frame[at + 2]) & 0x0fff);
    if (tags == 1) claim.outer_vlan = vlan;
    if (tags == 2) claim.inner_vlan = vlan;
  }
  if (at + 2 > frame.size() || (frame[6] & 1) != 0) return claim;  // no station is a group
  std::memcpy(claim.mac.data(), &frame[6], claim.mac.size());
  const std::uint16_t type = load16(&frame[at]);
  const auto rest = frame.subspan(at + 2);
  if (type == 0x0806) read_arp(rest, claim);
  claim.ipv6 = type == 0x86dd;
  if (claim.ipv6) read_icmpv6(rest, claim);
  return claim;
}

}  // namespace sluice::inspect
