#include "dataplane/budget/device.h"

#include <arpa/inet.h>
#include <charconv>

namespace sluice::budget {
namespace {

bool read_vlan(std::string_view text, std::uint16_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size() && out <= 4094;
}

}  // namespace

std::string text(const Device& device) {
  switch (device.kind()) {
    case Device::Kind::mac: {
      policy::Mac mac;
      for (std::size_t i = 0; i < mac.size(); ++i) {
        mac[i] = static_cast<std::uint8_t>(device.words[1] >> (40 - 8 * i));
      }
      return policy::text(mac);
    }
    case Device::Kind::ipv4:
    case Device::Kind::ipv6: {
      std::array<char, INET6_ADDRSTRLEN> buffer{};
      const auto address = std::bit_cast<std::array<std::uint8_t, 16>>(
          std::array<std::uint64_t, 2>{device.words[1], device.words[2]});
      inet_ntop(device.kind() == Device::Kind::ipv6 ? AF_INET6 : AF_INET, address.data(),
                buffer.data(), buffer.size());
      std::string out = buffer.data();
      const auto outer = static_cast<std::uint16_t>(device.words[0] >> 24);
      const auto inner = static_cast<std::uint16_t>(device.words[0] >> 8);
      if (outer != 0) out += "@" + std::to_string(outer);
      if (inner != 0) out += "." + std::to_string(inner);
      return out;
    }
    case Device::Kind::none:
    case Device::Kind::others:
      break;
  }
  return "others";
}

Result<Device> parse_device(std::string_view given) {
  if (given == "others") return Device::others();
  policy::Client client;
  if (const auto mac = policy::parse_mac(given)) {
    client.mac = *mac;
    return Device::of(client, false);
  }
  const std::size_t at = given.find('@');
  const auto address = policy::parse_prefix(given.substr(0, at));
  bool good = address && address->length == (address->ipv6 ? 128 : 32);
  if (good && at != std::string_view::npos) {
    const std::string_view vlans = given.substr(at + 1);
    const std::size_t dot = vlans.find('.');
    good = read_vlan(vlans.substr(0, dot), client.outer_vlan) &&
           (dot == std::string_view::npos || read_vlan(vlans.substr(dot + 1), client.inner_vlan));
  }
  if (!good) {
    return fail("is no device", std::string(given),
                "write its MAC address, or its IP address as `budget list` tells it");
  }
  client.has_ip = true;
  client.ipv6 = address->ipv6;
  client.address = address->address;
  return Device::of(client, true);
}

}  // namespace sluice::budget
