#include <charconv>

#include "tools/sluicectl/explain.h"

namespace sluice::ctl {
namespace {

constexpr std::uint16_t kLastVlan = 4094;

bool parse_vlan_id(std::string_view text, std::uint16_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size() && out >= 1 && out <= kLastVlan;
}

Result<policy::VlanMatch> parse_vlan(std::string_view text) {
  policy::VlanMatch vlan;
  const std::size_t dot = text.find('.');
  const bool outer = parse_vlan_id(text.substr(0, dot), vlan.outer);
  const bool inner =
      dot == std::string_view::npos || parse_vlan_id(text.substr(dot + 1), vlan.inner);
  if (outer && inner) return vlan;
  return fail("not a VLAN", "--vlan " + std::string(text),
              "write a number from 1 to 4094, or outer.inner as 100.7");
}

Result<policy::Prefix> parse_address(std::string_view text) {
  auto prefix = policy::parse_prefix(text);
  if (prefix && text.find('/') == std::string_view::npos) return prefix;
  return fail("not an IP address", "--client " + std::string(text),
              "write it as 10.7.1.5 or 2001:db8::5");
}

}  // namespace

Result<Device> parse_device(std::string_view address, std::string_view mac, std::string_view vlan,
                            std::string_view port) {
  Device device;
  device.port = port;
  if (!address.empty()) {
    auto parsed = parse_address(address);
    if (!parsed) return fail(parsed.error());
    device.address = *parsed;
  }
  if (!mac.empty()) {
    auto parsed = policy::parse_mac(mac);
    if (!parsed) return fail(parsed.error());
    device.mac = *parsed;
  }
  if (!vlan.empty()) {
    auto parsed = parse_vlan(vlan);
    if (!parsed) return fail(parsed.error());
    device.vlan = *parsed;
  }
  return device;
}

}  // namespace sluice::ctl
