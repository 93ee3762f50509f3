#include "dataplane/neighbour/book.h"

#include <algorithm>

namespace sluice::neighbour {
namespace {

constexpr std::uint64_t kFamily = std::uint64_t{1} << 48;

}  // namespace

std::string_view text(State state) {
  switch (state) {
    case State::followed:
      return "followed";
    case State::unused:
      return "unused";
    case State::contested:
      return "contested";
    case State::several:
      return "several";
    case State::crowded:
      return "crowded";
  }
  return "unknown";
}

void Book::add(const Sighting& sighting, Seconds now) {
  const Place& place = sighting.place;
  const Spot spot{place.address, place.where};
  const auto found = holders_.find(spot);
  if (found == holders_.end()) {
    // A frame alone does not tell whose its address is: a router's have all of them.
    if (sighting.seen == Seen::use || is_full()) return;
    holders_[spot] = {.mac = place.mac, .first = now, .claimed = now};
    dirty_ = true;
    return;
  }
  Holder& holder = found->second;
  if (holder.mac == place.mac) {
    dirty_ = dirty_ || !holder.was_present;
    holder.was_present = true;
    if (sighting.seen == Seen::use) {
      dirty_ = dirty_ || !holder.used;
      holder.used = now;
    } else {
      holder.claimed = now;
    }
    return;
  }
  if (holder.present(now)) {
    // Who only asks is told by the holder, or gives way.
    if (sighting.seen == Seen::probe) return;
    dirty_ = dirty_ || !holder.contested(now);
    holder.rival = place.mac;
    holder.rivalled = now;
    return;
  }
  if (sighting.seen == Seen::use) return;
  holder = {.mac = place.mac, .first = now, .claimed = now};
  dirty_ = true;
}

void Book::age(Seconds now) {
  for (auto at = holders_.begin(); at != holders_.end();) {
    Holder& holder = at->second;
    if (now - holder.heard() > holder.kept()) {
      at = holders_.erase(at);
      dirty_ = true;
      continue;
    }
    if (holder.rivalled && !holder.contested(now)) {
      holder.rivalled.reset();
      dirty_ = true;
    }
    dirty_ = dirty_ || holder.was_present != holder.present(now);
    holder.was_present = holder.present(now);
    ++at;
  }
}

Book::Holdings Book::holdings() const {
  Holdings out;
  for (const auto& [spot, holder] : holders_) {
    out[{holder.mac, spot.where & ~kFamily}].push_back(spot);
  }
  return out;
}

std::optional<Book::Spot> Book::name_of(const Spot& spot, const policy::GroupTable& groups) {
  const auto vlan = groups.host_name(place_of(spot, 0).client());
  if (!vlan) return std::nullopt;
  const std::uint64_t where = std::uint64_t{vlan->outer} << 16 | vlan->inner;
  return Spot{spot.address, (spot.where & kFamily) | where};
}

Book::Names Book::names(const policy::GroupTable& groups, Seconds now) const {
  Names out;
  for (const auto& [spot, holder] : holders_) {
    if (!holder.present(now)) continue;
    if (const auto name = name_of(spot, groups)) ++out[*name];
  }
  return out;
}

State Book::state_of(const std::vector<Spot>& held, const Spot& named, const Names& names,
                     const policy::GroupTable& groups, Seconds now) const {
  const Holder& holder = holders_.at(named);
  if (holder.contested(now)) return State::contested;
  const auto places = names.find(*name_of(named, groups));
  const std::size_t others = holder.present(now) ? 1 : 0;
  if (places != names.end() && places->second > others) return State::contested;
  if (!holder.used) return State::unused;
  if (held.size() > kMaxOfDevice) return State::crowded;
  const auto group_of = [&](const Spot& spot) {
    return groups.find(place_of(spot, holder.mac).client()).group;
  };
  std::size_t ipv4 = 0;
  for (const Spot& spot : held) {
    if (!is_ipv6(spot)) ++ipv4;
    const bool other =
        groups.names_host(place_of(spot, holder.mac).client()) && group_of(spot) != group_of(named);
    if (ipv4 > 1 || other) return State::several;
  }
  return State::followed;
}

std::shared_ptr<const Table> Book::table(const policy::GroupTable& groups, Seconds now) {
  if (!dirty_) return nullptr;
  dirty_ = false;
  std::vector<Table::Alias> aliases;
  if (groups.names_hosts() && !is_full()) {
    const Names all = names(groups, now);
    for (const auto& [device, held] : holdings()) {
      const auto named = std::find_if(held.begin(), held.end(), [&](const Spot& spot) {
        return groups.names_host(place_of(spot, device.first).client());
      });
      if (named == held.end() || state_of(held, *named, all, groups, now) != State::followed)
        continue;
      for (const Spot& spot : held) {
        const Place other = place_of(spot, device.first);
        if (groups.names_host(other.client()) || holders_.at(spot).contested(now)) continue;
        aliases.push_back({other, named->address, is_ipv6(*named)});
      }
    }
  }
  if (aliases == told_) return nullptr;
  told_ = std::move(aliases);
  return std::make_shared<const Table>(told_);
}

std::vector<Book::Device> Book::devices(const policy::GroupTable& groups, Seconds now) const {
  std::vector<Device> out;
  const Names all = names(groups, now);
  for (const auto& [device, held] : holdings()) {
    for (const Spot& spot : held) {
      const Place place = place_of(spot, device.first);
      if (!groups.names_host(place.client())) continue;
      out.push_back({place, state_of(held, spot, all, groups, now), now - holders_.at(spot).claimed,
                     held.size() - 1});
    }
  }
  return out;
}

std::optional<Book::Device> Book::find(const policy::GroupTable& groups,
                                       const policy::Client& client, bool has_mac,
                                       Seconds now) const {
  const Place place = Place::of(client);
  std::uint64_t mac = place.mac;
  if (client.has_ip) {
    const auto holder = holders_.find(Spot{place.address, place.where});
    if (holder == holders_.end() || (has_mac && holder->second.mac != mac)) return std::nullopt;
    mac = holder->second.mac;
  }
  for (const Device& one : devices(groups, now)) {
    if (one.named.mac == mac && (one.named.where & ~kFamily) == (place.where & ~kFamily)) {
      return one;
    }
  }
  return std::nullopt;
}

}  // namespace sluice::neighbour
