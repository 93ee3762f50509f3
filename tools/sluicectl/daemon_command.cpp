// Commands that ask the running processes.
#include <chrono>
#include <iostream>

#include "config/base/json.h"
#include "config/ipc/socket.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;

std::string plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : json_text(value);
}

bool is_table(const nlohmann::json& value) {
  return value.is_array() && !value.empty() && value[0].is_object();
}

/// Nested facts as "sync.last_error", one row each; arrays of objects are left to table_of().
void flatten(const nlohmann::json& value, const std::string& path,
             std::vector<std::vector<std::string>>& rows) {
  if (is_table(value)) return;
  if (!value.is_object() || value.empty()) {
    rows.push_back({"  " + path, value.empty() && value.is_structured() ? "none" : plain(value)});
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    flatten(inner, path.empty() ? key : std::string(path).append(".").append(key), rows);
  }
}

/// An array of objects with the same keys as a table.
std::string table_of(const nlohmann::json& objects) {
  std::vector<std::string> keys{"name"};  // first, where there is one
  if (!objects[0].contains("name")) keys.clear();
  for (const auto& [key, value] : objects[0].items()) {
    if (key != "name") keys.push_back(key);
  }
  std::vector<std::vector<std::string>> rows{keys};
  for (const nlohmann::json& object : objects) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const std::string& key : keys) {
      row.push_back(object.contains(key) ? plain(object[key]) : "-");
    }
    row.front() = "  " + row.front();
  }
  rows.front().front() = "  " + rows.front().front();
  return table(rows);
}

/// One line a counter: its sum, then each lcore's share where there are several.
std::string counters_text(const nlohmann::json& counters, const nlohmann::json& lcores, bool all) {
  std::vector<std::vector<std::string>> rows;
  std::size_t silent = 0;
  for (const auto& [name, sum] : counters.items()) {
    if (!all && sum == 0) {
      ++silent;
      continue;
    }
    std::vector<std::string>& row = rows.emplace_back();
    row = {"  " + name, plain(sum)};
    if (lcores.size() < 2) continue;
    for (const nlohmann::json& lcore : lcores) row.push_back(plain(lcore.value(name, sum)));
  }
  std::string out = "counters\n" + table(rows);
  if (silent > 0) out += "  (" + std::to_string(silent) + " more are zero: --all shows them)\n";
  return out;
}

Result<nlohmann::json> ask(const std::filesystem::path& socket, const char* command) {
  auto reply = ipc::call(socket, {{"command", command}}, kPatience);
  if (reply) reply->erase("ok");
  return reply;
}

ordered_json state_of(const Result<nlohmann::json>& reply) {
  if (reply) return {{"running", true}, {"status", *reply}};
  const Error& error = reply.error();
  return {{"running", false},
          {"error", {{"what", error.what}, {"where", error.where}, {"advice", error.advice}}}};
}

void print_state(std::string_view process, const Result<nlohmann::json>& reply,
                 std::string_view if_down) {
  if (!reply) {
    std::cout << process << ": NOT RUNNING, or it does not answer\n  " << reply.error().text()
              << "\n  " << if_down << "\n";
    return;
  }
  std::cout << process << ": running\n";
  std::vector<std::vector<std::string>> rows;
  flatten(*reply, "", rows);
  std::cout << table(rows);
  for (const auto& [key, value] : reply->items()) {
    if (is_table(value)) std::cout << "  " << key << "\n" << table_of(value);
  }
}

}  // namespace

int show_status(const Context& context) {
  const auto config = load_config(context);
  if (!config) return report(context, config.error());
  const auto dataplane = ask(config->dataplane_socket(), "status");
  const auto control = ask(config->control_socket(), "status");
  if (context.json) {
    print_json({{"ok", dataplane && control},
                {"dataplane", state_of(dataplane)},
                {"control", state_of(control)}});
  } else {
    print_state(
        "dataplane", dataplane,
        "while it is down nothing is inspected; start it: systemctl start sluice-dataplane");
    print_state("control", control,
                "while it is down lists are not renewed; start it: systemctl start sluice-control");
  }
  return dataplane && control ? kYes : kNo;
}

int show_stats(const Context& context, bool all) {
  const auto config = load_config(context);
  if (!config) return report(context, config.error());
  const auto reply = ask(config->dataplane_socket(), "stats");
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  const auto none = nlohmann::json::array();
  const auto& sums = reply->contains("counters") ? (*reply)["counters"] : none;
  std::cout << counters_text(sums, reply->contains("lcores") ? (*reply)["lcores"] : none, all);
  if (reply->contains("ports") && is_table((*reply)["ports"])) {
    std::cout << "\nports\n" << table_of((*reply)["ports"]);
  }
  return kYes;
}

}  // namespace sluice::ctl
