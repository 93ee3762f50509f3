#include "config/policy/claims.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <set>

namespace sluice::policy {
namespace {

std::uint64_t load64(const std::uint8_t* octets) {
  std::uint64_t value = 0;
  std::memcpy(&value, octets, sizeof value);
  return __builtin_bswap64(value);
}

/// The first `bits` of 64.
std::uint64_t first_bits(std::uint64_t value, unsigned bits) {
  return bits == 0 ? 0 : value & (~std::uint64_t{0} << (64 - std::min(bits, 64U)));
}

}  // namespace

NarrowClaims::NarrowClaims(const std::map<std::uint64_t, std::uint16_t>& claimed)
    : slots_(std::bit_ceil(claimed.size() * 3 / 2 + kLeastSlots)),
      last_(slots_.size() - 1),
      shift_(static_cast<unsigned>(64 - std::countr_zero(slots_.size()))) {
  for (const auto& [key, group] : claimed) {
    std::size_t at = home(key);
    while (slots_[at] != 0) at = (at + 1) & last_;
    slots_[at] = key << kGroupBits | group;
  }
}

WideClaims::WideClaims(const std::map<Key, std::uint16_t>& claimed)
    : slots_(std::bit_ceil(claimed.size() * 2 + 1)), last_(slots_.size() - 1) {
  for (const auto& [key, group] : claimed) {
    std::size_t at = hash(key);
    while (slots_[at & last_].group != 0) ++at;
    slots_[at & last_] = {key, group};
  }
}

std::string_view text(MatchedBy by) {
  switch (by) {
    case MatchedBy::mac:
      return "mac";
    case MatchedBy::prefix:
      return "prefix";
    case MatchedBy::vlan:
      return "vlan";
    case MatchedBy::port:
      return "port";
    case MatchedBy::fallback:
      return "default";
  }
  return "unknown";
}

Claims::Length4 Claims::length4(std::uint8_t length) {
  const auto mask = static_cast<std::uint32_t>(first_bits(~std::uint64_t{0}, length) >> 32);
  const std::uint64_t word = kPrefix4 << kKindAt | std::uint64_t{length} << kLengthAt;
  return {__builtin_bswap32(mask), narrow(word)};
}

Claims::Key Claims::key_of(const Prefix& prefix) {
  const std::uint8_t length = prefix.length;
  const bool placed = prefix.vlan.outer != 0;
  const std::uint64_t place = std::uint64_t{prefix.vlan.outer} << 16 | prefix.vlan.inner;
  if (prefix.ipv6) {
    return {(placed ? kPlaced6 : kPrefix6) << kKindAt | std::uint64_t{length} << kLengthAt | place,
            first_bits(load64(prefix.address.data()), length),
            length > 64 ? first_bits(load64(prefix.address.data() + 8), length - 64U) : 0};
  }
  std::uint32_t address;
  std::memcpy(&address, prefix.address.data(), sizeof address);
  const Length4 how = length4(length);
  if (placed) {
    return {kPlaced4 << kKindAt | std::uint64_t{length} << kLengthAt | place, address & how.mask};
  }
  return {kPrefix4 << kKindAt | std::uint64_t{length} << kLengthAt | (address & how.mask)};
}

Claims::Claims(const std::map<Key, std::uint16_t>& claimed) : empty_(claimed.empty()) {
  std::map<std::uint64_t, std::uint16_t> macs;
  std::map<std::uint64_t, std::uint16_t> narrow_ones;
  std::map<Key, std::uint16_t> wide;
  std::set<std::uint8_t, std::greater<>> lengths4;
  std::set<std::uint8_t, std::greater<>> lengths6;
  std::set<std::uint8_t, std::greater<>> placed;
  bool placed_host = false;
  for (const auto& [key, group] : claimed) {
    const std::uint64_t kind = key[0] >> kKindAt;
    const auto length = static_cast<std::uint8_t>(key[0] >> kLengthAt);
    any_mac_ |= kind == kMac;
    any_vlan_ |= kind == kVlan;
    any_port_ |= kind == kPort;
    only_macs_ &= kind == kMac;
    if (kind == kPrefix4) lengths4.insert(length);
    if (kind == kPrefix6) lengths6.insert(length);
    if (kind == kPlaced4 || kind == kPlaced6) {
      placed.insert(length);
      placed_host |= length == (kind == kPlaced4 ? 32 : 128);
    }
    if (kind == kPrefix6 || kind == kPlaced4 || kind == kPlaced6) {
      wide.emplace(key, group);
    } else if (kind == kMac) {
      macs.emplace(key[0] & kMacBits, group);
    } else {
      narrow_ones.emplace(narrow(key[0]), group);
    }
  }
  any_host_ = lengths4.contains(32) || lengths6.contains(128) || placed_host;
  macs_ = NarrowClaims(macs);
  narrow_ = NarrowClaims(narrow_ones);
  wide_ = WideClaims(wide);
  for (const std::uint8_t length : lengths4) lengths4_.push_back(length4(length));
  lengths6_.assign(lengths6.begin(), lengths6.end());
  placed_.assign(placed.begin(), placed.end());
}

std::optional<VlanMatch> Claims::find_host(const Client& client) const {
  Prefix prefix{.address = client.address,
                .length = static_cast<std::uint8_t>(client.ipv6 ? 128 : 32),
                .ipv6 = client.ipv6};
  if (!placed_.empty() && client.outer_vlan != 0) {
    prefix.vlan = {client.outer_vlan, client.inner_vlan};
    if (wide_.find(key_of(prefix)) != 0) return prefix.vlan;
    prefix.vlan.inner = 0;
    if (wide_.find(key_of(prefix)) != 0) return prefix.vlan;
    prefix.vlan = {};
  }
  const Key key = key_of(prefix);
  if ((client.ipv6 ? wide_.find(key) : narrow_.find(narrow(key[0]))) == 0) return std::nullopt;
  return prefix.vlan;
}

std::uint16_t Claims::find_placed(const Client& client) const {
  const std::uint8_t most = client.ipv6 ? 128 : 32;
  for (const std::uint8_t length : placed_) {
    if (length > most) continue;
    Prefix prefix{.address = client.address,
                  .length = length,
                  .ipv6 = client.ipv6,
                  .vlan = {client.outer_vlan, client.inner_vlan}};
    if (const auto group = wide_.find(key_of(prefix))) return group;
    prefix.vlan.inner = 0;
    if (const auto group = wide_.find(key_of(prefix))) return group;
  }
  return 0;
}

std::uint16_t Claims::find_ipv6(const std::array<std::uint8_t, 16>& address) const {
  for (const std::uint8_t length : lengths6_) {
    if (const auto group = wide_.find(key_of({.address = address, .length = length, .ipv6 = true})))
      return group;
  }
  return 0;
}

}  // namespace sluice::policy
