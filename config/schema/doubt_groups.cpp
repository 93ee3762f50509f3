// Devices that a group names and never gets.
#include <algorithm>
#include <tuple>

#include "config/schema/doubts.h"

namespace sluice::schema {
namespace {

using policy::Prefix;

/// A prefix of some group, where it stands.
struct Named {
  Prefix prefix;
  const TextNode* node = nullptr;
  std::string path;
  std::string group;
};

/// By what makes prefixes lie beside each other: the same family and VLANs, then the address.
bool lies_before(const Named& one, const Named& other) {
  const auto key = [](const Named& named) {
    const Prefix& prefix = named.prefix;
    return std::tuple(prefix.ipv6, prefix.vlan.outer, prefix.vlan.inner, prefix.address,
                      prefix.length);
  };
  return key(one) < key(other);
}

bool is_within(const Prefix& inner, const Prefix& outer) {
  if (inner.ipv6 != outer.ipv6 || inner.vlan.outer != outer.vlan.outer ||
      inner.vlan.inner != outer.vlan.inner || inner.length < outer.length) {
    return false;
  }
  const unsigned whole = outer.length / 8U;
  const unsigned rest = outer.length % 8U;
  return std::equal(inner.address.begin(), inner.address.begin() + whole, outer.address.begin()) &&
         (rest == 0 || ((inner.address[whole] ^ outer.address[whole]) >> (8U - rest)) == 0);
}

Prefix half(Prefix prefix, bool upper) {
  if (upper) {
    prefix.address[prefix.length / 8U] |= static_cast<std::uint8_t>(0x80U >> prefix.length % 8U);
  }
  ++prefix.length;
  return prefix;
}

using Range = std::pair<std::vector<Named>::const_iterator, std::vector<Named>::const_iterator>;

/// Whether the prefixes of a range, sorted and all within `prefix`, hold each of its addresses.
bool hold_all(const Prefix& prefix, Range inside) {
  if (inside.first == inside.second) return false;
  if (inside.first->prefix.length == prefix.length) return true;  // the shortest comes first
  const Prefix upper = half(prefix, true);
  const auto middle = std::partition_point(inside.first, inside.second, [&](const Named& one) {
    return one.prefix.address < upper.address;
  });
  return hold_all(half(prefix, false), {inside.first, middle}) &&
         hold_all(upper, {middle, inside.second});
}

std::vector<Named> prefixes_of(const TextNode& root) {
  std::vector<Named> out;
  for (const Member* member : entries(find(root, "groups"))) {
    const TextNode* const list = find(member->value, "prefixes");
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      const auto prefix = policy::parse_placed_prefix(list->items[i].text);
      if (!prefix) continue;
      out.push_back({*prefix, &list->items[i],
                     item_path("groups." + member->key.text + ".prefixes", i), member->key.text});
    }
  }
  std::sort(out.begin(), out.end(), &lies_before);
  return out;
}

/// No device sends from such an address.
bool is_of_many(const Prefix& prefix) {
  return prefix.ipv6 ? prefix.length >= 8 && prefix.address[0] == 0xff
                     : prefix.length >= 4 && prefix.address[0] >> 4 == 0xe;
}

void doubt_prefixes(const std::vector<Named>& all, Faults& notes) {
  for (auto one = all.begin(); one != all.end(); ++one) {
    if (is_of_many(one->prefix)) {
      notes.add(one->node->place, one->path, "is of multicast, from which no device sends",
                "name the devices' own addresses");
      continue;
    }
    const auto end = std::find_if(one + 1, all.end(), [&](const Named& next) {
      return !is_within(next.prefix, one->prefix);
    });
    const unsigned bits = one->prefix.ipv6 ? 128 : 32;
    if (one + 1 == end || one->prefix.length == bits) continue;
    const Prefix upper = half(one->prefix, true);
    const auto middle = std::partition_point(
        one + 1, end, [&](const Named& next) { return next.prefix.address < upper.address; });
    if (!hold_all(half(one->prefix, false), {one + 1, middle}) || !hold_all(upper, {middle, end})) {
      continue;
    }
    notes.add(one->node->place, one->path,
              "longer prefixes hold each of its addresses, so that no device is found by it",
              "remove it, or one of those, such as '" + (one + 1)->node->text + "' of group '" +
                  (one + 1)->group + "'");
  }
}

/// Prefixes are asked before VLANs and ports: one of all addresses leaves nothing to those.
void doubt_vlans_and_ports(const TextNode& root, const std::vector<Named>& prefixes,
                           Faults& notes) {
  for (const Named& named : prefixes) {
    if (named.prefix.length != 0 || named.prefix.vlan.outer != 0) continue;
    for (const Member* member : entries(find(root, "groups"))) {
      if (member->key.text == named.group) continue;
      for (const char* key : {"vlans", "ports"}) {
        const TextNode* const list = find(member->value, key);
        if (list == nullptr || list->items.empty()) continue;
        notes.add(list->place, "groups." + member->key.text + "." + key,
                  "'" + named.node->text + "' of group '" + named.group +
                      "' holds every device with an " + (named.prefix.ipv6 ? "IPv6" : "IPv4") +
                      " address, and prefixes are asked first",
                  "give that group its policy as default_policy instead");
      }
    }
  }
}

}  // namespace

void doubt_groups(const Doubted& doubted, Faults& notes) {
  for (const Member* member : entries(find(doubted.root, "groups"))) {
    const std::string path = "groups." + member->key.text;
    if (member->key.text == policy::kDefaultGroup) {
      notes.add(member->key.place, path,
                "'" + member->key.text + "' is also what devices of no group are told to be in",
                "choose another name");
    }
    const auto names_some = [](const Member& key) { return !key.value.items.empty(); };
    if (std::none_of(member->value.members.begin(), member->value.members.end(), names_some)) {
      notes.add(member->key.place, path, "its lists are empty, so that no device is in it",
                "add macs, prefixes, vlans or ports");
    }
    const TextNode* const macs = find(member->value, "macs");
    for (std::size_t i = 0; macs != nullptr && i < macs->items.size(); ++i) {
      const auto mac = policy::parse_mac(macs->items[i].text);
      if (!mac || ((*mac)[0] & 1U) == 0) continue;
      notes.add(macs->items[i].place, item_path(path + ".macs", i),
                "is an address of many devices at once, from which none sends",
                "look the address up at the device; its second digit is even");
    }
  }
  const std::vector<Named> prefixes = prefixes_of(doubted.root);
  doubt_prefixes(prefixes, notes);
  doubt_vlans_and_ports(doubted.root, prefixes, notes);
}

}  // namespace sluice::schema
