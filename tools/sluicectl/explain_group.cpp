// Which group a device is in, and by what of it.
#include <algorithm>
#include <tuple>

#include "config/schema/nearest.h"
#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

bool contains(const policy::Prefix& prefix, const policy::Prefix& address) {
  if (prefix.ipv6 != address.ipv6) return false;
  const unsigned whole = prefix.length / 8U;
  if (!std::equal(prefix.address.begin(), prefix.address.begin() + whole,
                  address.address.begin())) {
    return false;
  }
  const unsigned rest = prefix.length % 8U;
  return rest == 0 || ((prefix.address[whole] ^ address.address[whole]) >> (8U - rest)) == 0;
}

/// No group names the device, as far as one can tell by what is given of it.
std::string unnamed(const policy::PolicySet& set, const Device& device) {
  const auto any = [&](const auto& has) {
    return std::any_of(set.groups.begin(), set.groups.end(), has);
  };
  std::string missing;
  const auto note = [&](bool given, bool used, const char* what) {
    if (!given && used) missing += (missing.empty() ? "" : ", ") + std::string(what);
  };
  note(device.mac.has_value(), any([](const policy::Group& one) { return !one.macs.empty(); }),
       "--mac");
  note(device.address.has_value(),
       any([](const policy::Group& one) { return !one.prefixes.empty(); }), "--client");
  note(device.vlan.outer != 0, any([](const policy::Group& one) { return !one.vlans.empty(); }),
       "--vlan");
  note(!device.port.empty(), any([](const policy::Group& one) { return !one.ports.empty(); }),
       "--port");
  return "no group names the device" +
         (missing.empty() ? "" : "; it may be in one by what was not given of it: " + missing);
}

}  // namespace

std::string matched_rule(const policy::PolicySet& set, const std::string& group,
                         policy::MatchedBy by, const Device& device) {
  const auto found = std::find_if(set.groups.begin(), set.groups.end(),
                                  [&](const policy::Group& each) { return each.name == group; });
  if (found == set.groups.end()) return unnamed(set, device);
  switch (by) {
    case policy::MatchedBy::mac:
      return "MAC address " + policy::text(*device.mac);
    case policy::MatchedBy::prefix: {
      const policy::Prefix* longest = nullptr;
      for (const policy::Prefix& prefix : found->prefixes) {
        const bool placed = prefix.vlan.outer != 0;
        const bool there = prefix.vlan.outer == device.vlan.outer &&
                           (prefix.vlan.inner == 0 || prefix.vlan.inner == device.vlan.inner);
        if (!contains(prefix, *device.address) || (placed && !there)) continue;
        const auto rank = [](const policy::Prefix& one) {
          return std::tuple(one.vlan.outer != 0, one.length, one.vlan.inner);
        };
        if (longest == nullptr || rank(prefix) > rank(*longest)) longest = &prefix;
      }
      return longest == nullptr ? "prefix" : "prefix " + policy::text(*longest);
    }
    case policy::MatchedBy::vlan:
      return "VLAN " + std::to_string(device.vlan.outer) +
             (device.vlan.inner != 0 ? "." + std::to_string(device.vlan.inner) : "");
    case policy::MatchedBy::port:
      return "port " + device.port;
    case policy::MatchedBy::fallback:
      return unnamed(set, device);
  }
  return {};
}

Result<policy::Client> client_of(const Device& device, const std::vector<std::string>& ports) {
  policy::Client client;
  client.port = static_cast<std::uint16_t>(ports.size());  // of no known port
  if (device.mac) client.mac = *device.mac;
  if (device.address) {
    client.has_ip = true;
    client.ipv6 = device.address->ipv6;
    client.address = device.address->address;
  }
  client.outer_vlan = device.vlan.outer;
  client.inner_vlan = device.vlan.inner;
  if (!device.port.empty()) {
    const auto at = std::find(ports.begin(), ports.end(), device.port);
    if (at == ports.end()) {
      const std::vector<std::string_view> known(ports.begin(), ports.end());
      return fail("no inside port has this name", "--port " + device.port,
                  schema::suggest(device.port, known));
    }
    client.port = static_cast<std::uint16_t>(at - ports.begin());
  }
  return client;
}

}  // namespace sluice::ctl
