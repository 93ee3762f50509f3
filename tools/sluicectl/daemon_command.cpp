// Commands that ask the running processes.
#include <chrono>
#include <iostream>

#include "config/ipc/socket.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::ordered_json;
constexpr std::chrono::milliseconds kPatience{3000};

std::string plain(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Nested facts as "pairs.main.link", one row each.
void flatten(const nlohmann::json& value, const std::string& path,
             std::vector<std::vector<std::string>>& rows) {
  if (!value.is_structured() || value.empty()) {
    rows.push_back({"  " + path, plain(value)});
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    const std::string step = value.is_array() ? "[" + key + "]" : (path.empty() ? "" : ".") + key;
    flatten(inner, path + step, rows);
  }
}

/// An array of objects with the same keys as a table.
std::string table_of(const nlohmann::json& objects) {
  std::vector<std::vector<std::string>> rows;
  for (const nlohmann::json& object : objects) {
    if (!object.is_object()) continue;
    if (rows.empty()) {
      rows.emplace_back();
      for (const auto& [key, value] : object.items()) rows[0].push_back(key);
    }
    std::vector<std::string> row;
    for (const std::string& key : rows[0]) {
      row.push_back(object.contains(key) ? plain(object[key]) : "-");
    }
    rows.push_back(std::move(row));
  }
  return table(rows);
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

int show_stats(const Context& context) {
  const auto config = load_config(context);
  if (!config) return report(context, config.error());
  const auto reply = ask(config->dataplane_socket(), "stats");
  if (!reply) return report(context, reply.error());
  if (context.json) {
    print_json(*reply);
    return kYes;
  }
  for (const auto& [section, value] : reply->items()) {
    std::cout << section << "\n";
    if (value.is_array() && !value.empty() && value[0].is_object()) {
      std::cout << table_of(value) << "\n";
      continue;
    }
    std::vector<std::vector<std::string>> rows;
    flatten(value, "", rows);
    std::cout << table(rows) << "\n";
  }
  return kYes;
}

}  // namespace sluice::ctl
