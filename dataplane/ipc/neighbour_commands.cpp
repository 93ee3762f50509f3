// Devices that the policy names by an address, as a person asks for them. Of their other addresses
// only the number is told.
#include <algorithm>

#include "config/base/json.h"
#include "config/ipc/socket.h"
#include "dataplane/ipc/commands.h"

namespace sluice::ipc {
namespace {

using nlohmann::json;

std::string address_text(const policy::Client& client) {
  std::string text = policy::text(policy::Prefix{
      client.address, static_cast<std::uint8_t>(client.ipv6 ? 128 : 32), client.ipv6});
  text.resize(text.find('/'));
  return text;
}

json device_json(const gateway::Gateway& gateway, const neighbour::Book::Device& device) {
  const policy::Client client = device.named.client();
  const policy::GroupTable& groups = gateway.snapshot()->groups();
  json out = {{"address", address_text(client)},
              {"mac", policy::text(client.mac)},
              {"state", neighbour::text(device.state)},
              {"group", groups.groups()[groups.find(client).group].name},
              {"claimed_seconds_ago", device.claimed},
              {"other_addresses", device.others}};
  if (client.outer_vlan != 0) out["vlan"] = client.outer_vlan;
  if (client.inner_vlan != 0) out["inner_vlan"] = client.inner_vlan;
  if (client.port < gateway.inside_ports().size()) {
    out["port"] = gateway.inside_ports()[client.port];
  }
  return out;
}

std::uint16_t vlan_at(const json& request, const char* key) {
  const auto found = request.find(key);
  if (found == request.end() || !found->is_number_unsigned()) return 0;
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(found->get<std::uint64_t>(), 4095));
}

}  // namespace

json answer_devices(const gateway::Gateway& gateway, const json& request) {
  const std::string address = text_at(request, "address");
  const std::string mac = text_at(request, "mac");
  json out = json::array();
  if (address.empty() && mac.empty()) {
    for (const neighbour::Book::Device& one : gateway.neighbours()) {
      out.push_back(device_json(gateway, one));
    }
    return ok({{"devices", std::move(out)}});
  }
  policy::Client client;
  if (!address.empty()) {
    const auto prefix = policy::parse_prefix(address);
    if (!prefix || prefix->length != (prefix->ipv6 ? 128 : 32)) {
      return error({"not an IP address", address, "write it as 10.7.1.5 or 2001:db8::5"});
    }
    client.has_ip = true;
    client.ipv6 = prefix->ipv6;
    client.address = prefix->address;
  }
  if (!mac.empty()) {
    const auto parsed = policy::parse_mac(mac);
    if (!parsed) return error(parsed.error());
    client.mac = *parsed;
  }
  client.outer_vlan = vlan_at(request, "vlan");
  client.inner_vlan = vlan_at(request, "inner_vlan");
  const auto& ports = gateway.inside_ports();
  const std::string port = text_at(request, "port");
  const auto at = std::find(ports.begin(), ports.end(), port);
  // One not named may be any: the first that knows the device.
  const std::size_t first = at == ports.end() ? 0 : static_cast<std::size_t>(at - ports.begin());
  const std::size_t last = at == ports.end() && port.empty() ? ports.size() : first + 1;
  for (std::size_t i = first; i < last && out.empty(); ++i) {
    client.port = static_cast<std::uint16_t>(i);
    if (const auto found = gateway.neighbour(client, !mac.empty())) {
      out.push_back(device_json(gateway, *found));
    }
  }
  return ok({{"devices", std::move(out)}});
}

}  // namespace sluice::ipc
