// Which device holds which address, by what it says in ARP and Neighbor Discovery: so that a device
// that a policy names by one of its addresses is the same device under its others, such as IPv6
// privacy addresses (RFC 8981), which change by the day.
//
// Nobody gets more by this than by taking the named address itself, which a policy by addresses
// cannot hinder. An address is the device's that said so first (as in RFC 6620), for as long as it
// is heard of there; while two say so it is nobody's; and it counts once a frame from outside went
// to it, for what the device itself sends shows nothing of where the network looks for the address.
// A name holds in one place: while a named address is there in two VLANs or behind two ports, it is
// nobody's in both, unless the policy names it with its VLAN.
// A frame stands for the named address only where its own address, too, was claimed by its device:
// a router claims none of those that it forwards for. A device with two IPv4 addresses may be a
// proxy for others, and is not followed.
//
// Thread safety: the control thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/neighbour/sighting.h"
#include "dataplane/neighbour/table.h"

namespace sluice::neighbour {

/// Seconds of a clock that never goes back.
using Seconds = std::int64_t;
/// Whoever was heard of at an address within this time is there.
inline constexpr Seconds kPresent = 600;
/// An address of which nothing was heard for so long is nobody's any more; one that was claimed
/// once and never again, perhaps by somebody who made it up, after kPresent.
inline constexpr Seconds kKept = 4 * 3600;
/// Addresses in all, and of one device.
inline constexpr std::size_t kMaxAddresses = 65536;
inline constexpr std::size_t kMaxOfDevice = 64;

/// What is known of a named address.
enum class State : std::uint8_t {
  followed,
  unused,     // claimed, but no frame from outside went to it
  contested,  // another device claims it as well, or it is there in another place, too
  several,    // its device holds several IPv4 addresses, or named ones of different groups
  crowded,    // its device holds more than kMaxOfDevice
};
[[nodiscard]] std::string_view text(State state);

class Book {
 public:
  void add(const Sighting& sighting, Seconds now);
  /// Forgets what is past its time; to be called every now and then.
  void age(Seconds now);

  /// The table for the lcores where it is another one than before; else null. `groups`: of the
  /// policy in use.
  [[nodiscard]] std::shared_ptr<const Table> table(const policy::GroupTable& groups, Seconds now);
  /// The policy is another one.
  void forget_table() { dirty_ = true; }

  struct Device {
    Place named;
    State state = State::unused;
    Seconds claimed = 0;  // ago
    std::size_t others = 0;
  };
  /// Of all named addresses that anybody claims.
  [[nodiscard]] std::vector<Device> devices(const policy::GroupTable& groups, Seconds now) const;
  /// The device that a client is: by its address, or by its MAC address alone. Nothing where it is
  /// unknown or holds no named address.
  [[nodiscard]] std::optional<Device> find(const policy::GroupTable& groups,
                                           const policy::Client& client, bool has_mac,
                                           Seconds now) const;
  /// No more addresses are taken in, and nobody is followed.
  [[nodiscard]] bool is_full() const { return holders_.size() >= kMaxAddresses; }
  [[nodiscard]] std::size_t size() const { return holders_.size(); }

 private:
  struct Spot {  // a Place without its MAC address
    std::array<std::uint64_t, 2> address{};
    std::uint64_t where = 0;
    friend auto operator<=>(const Spot&, const Spot&) = default;
  };
  static constexpr Seconds kApart = 30;  // two claims that are not of one breath
  struct Holder {
    std::uint64_t mac = 0;
    Seconds first = 0;
    Seconds claimed = 0;
    std::optional<Seconds> used;
    std::uint64_t rival = 0;
    std::optional<Seconds> rivalled;
    bool was_present = true;  // as of the latest that was told

    [[nodiscard]] bool present(Seconds now) const { return now - heard() <= kPresent; }
    [[nodiscard]] Seconds heard() const { return used ? std::max(claimed, *used) : claimed; }
    [[nodiscard]] Seconds kept() const {
      return used || claimed - first >= kApart ? kKept : kPresent;
    }
    [[nodiscard]] bool contested(Seconds now) const {
      return rivalled && now - *rivalled <= kPresent;
    }
  };
  /// A device where it is: its MAC address, port and VLANs, without the family.
  using DeviceKey = std::pair<std::uint64_t, std::uint64_t>;
  using Holdings = std::map<DeviceKey, std::vector<Spot>>;
  /// In how many places each is that the policy names. Of a Spot's `where`, what the policy says.
  using Names = std::map<Spot, std::size_t>;

  [[nodiscard]] Holdings holdings() const;
  [[nodiscard]] Names names(const policy::GroupTable& groups, Seconds now) const;
  /// Nothing where it is not named.
  static std::optional<Spot> name_of(const Spot& spot, const policy::GroupTable& groups);
  [[nodiscard]] State state_of(const std::vector<Spot>& held, const Spot& named, const Names& names,
                               const policy::GroupTable& groups, Seconds now) const;
  static Place place_of(const Spot& spot, std::uint64_t mac) {
    return {spot.address, mac, spot.where};
  }
  static bool is_ipv6(const Spot& spot) { return (spot.where >> 48 & 1) != 0; }

  std::map<Spot, Holder> holders_;
  std::vector<Table::Alias> told_;
  bool dirty_ = true;
};

}  // namespace sluice::neighbour
