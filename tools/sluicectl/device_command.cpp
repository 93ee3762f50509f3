// Devices that the policy names by an address, as the dataplane has found them.
#include <iostream>

#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
using nlohmann::json;

int show_devices(const Context& context) {
  const auto reply = ask(context, Process::dataplane, {{"command", "devices"}});
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  std::vector<std::vector<std::string>> rows{
      {"ADDRESS", "VLAN", "MAC", "STATE", "GROUP", "OTHER ADDRESSES", "SAID SO, S AGO"}};
  for (const json& one : reply->value("devices", json::array())) {
    std::string vlan = shown(one, "vlan");
    if (one.contains("inner_vlan")) vlan += "." + shown(one, "inner_vlan");
    rows.push_back({shown(one, "address"), vlan, shown(one, "mac"), shown(one, "state"),
                    shown(one, "group"), shown(one, "other_addresses"),
                    shown(one, "claimed_seconds_ago")});
  }
  std::cout << (rows.size() > 1 ? table(rows) : "nobody has been seen to hold such an address\n");
  return kYes;
}

}  // namespace sluice::ctl
