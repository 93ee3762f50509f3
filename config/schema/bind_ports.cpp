#include <map>

#include "config/schema/bind.h"

namespace sluice::schema {
namespace {

void bind_port(const Member& member, std::map<std::string, std::string>& devices, Config& config,
               Faults& faults) {
  const TextNode& value = member.value;
  const TextNode* device = value.form == Form::scalar ? &value : find(value, "device");
  if (device == nullptr) return;
  const std::string path =
      "ports." + member.key.text + (value.form == Form::scalar ? "" : ".device");
  const auto [first, fresh] = devices.emplace(device->text, member.key.text);
  // A pcap or null device may well stand behind several ports; an interface cannot.
  const bool shareable = device->text.starts_with("pcap:") || device->text.starts_with("null:") ||
                         device->text.starts_with("ring:");
  if (!fresh && !shareable) {
    faults.add(device->place, path,
               "'" + device->text + "' is already behind port '" + first->second + "'",
               "give each port its own device");
  }
  Port port{member.key.text, device->text, 0};
  if (const TextNode* mtu = find(value, "mtu")) port.mtu = static_cast<std::uint32_t>(mtu->number);
  config.ports.push_back(std::move(port));
}

void bind_pair(const Member& member, const std::vector<std::string_view>& known,
               std::map<std::string, std::string>& used, Config& config, Faults& faults) {
  Pair pair{member.key.text, {}, {}};
  const auto take = [&](std::string_view side) -> std::string {
    const TextNode* port = find(member.value, side);
    if (port == nullptr) return {};
    const std::string path = "pairs." + member.key.text + "." + std::string(side);
    if (!check_reference(*port, "port", known, path, faults)) return {};
    const auto [first, fresh] = used.emplace(port->text, path);
    if (!fresh) {
      faults.add(port->place, path, "port '" + port->text + "' is already " + first->second,
                 "use each port once");
    }
    return port->text;
  };
  pair.inside = take("inside");
  pair.outside = take("outside");
  config.pairs.push_back(std::move(pair));
}

}  // namespace

void bind_ports(const TextNode& root, Config& config, Faults& faults) {
  const TextNode* ports = find(root, "ports");
  std::map<std::string, std::string> devices;
  for (const Member* member : entries(ports)) bind_port(*member, devices, config, faults);

  // Without ports every name would be unknown, which is no news.
  const std::vector<std::string_view> known = names(ports);
  if (known.empty()) return;
  std::map<std::string, std::string> used;
  for (const Member* member : entries(find(root, "pairs"))) {
    bind_pair(*member, known, used, config, faults);
  }
}

}  // namespace sluice::schema
