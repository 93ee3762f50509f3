#include "dataplane/ipc/commands.h"

#include <ctime>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <unistd.h>

#include "config/base/json.h"
#include "config/ipc/socket.h"

namespace sluice::ipc {
namespace {

using nlohmann::json;

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> buffer{};
  std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return buffer.data();
}

json ports_of(gateway::Gateway& gateway) {
  json out = json::array();
  for (port::Port& port : gateway.ports()) {
    rte_eth_stats stats{};
    rte_eth_stats_get(port.number(), &stats);
    out.push_back({{"name", port.name()},
                   {"device", port.device()},
                   {"link", port.link_up() ? "up" : "down"},
                   {"mtu", port.mtu()},
                   {"queues", port.queues()},
                   {"rx_packets", stats.ipackets},
                   {"rx_bytes", stats.ibytes},
                   {"tx_packets", stats.opackets},
                   {"tx_bytes", stats.obytes},
                   {"rx_missed", stats.imissed + port.missed()},
                   {"rx_errors", stats.ierrors},
                   {"rx_no_buffer", stats.rx_nombuf},
                   {"tx_errors", stats.oerrors}});
  }
  return out;
}

/// Without who and why, which control keeps.
json modes_of(const index::Snapshot& snapshot, policy::Moment moment) {
  json out = json::array();
  for (const policy::Mode& mode : snapshot.timetable().modes()) {
    if (!snapshot.timetable().holds(mode, moment)) continue;
    out.push_back({{"of", policy::subject(mode)}, {"mode", mode.word}, {"until", nullptr}});
    if (mode.until == 0) continue;
    out.back()["until"] =
        rfc3339(std::chrono::system_clock::time_point(std::chrono::seconds(mode.until)));
  }
  return out;
}

json status_of(gateway::Gateway& gateway) {
  json reply = {
      {"process", "sluice-dataplane"},
      {"version", SLUICE_VERSION},
      {"pid", getpid()},
      {"site", gateway.config().site.name},
      {"workers", gateway.workers().size()},
      {"huge_pages", gateway.environment().huge_pages},
      {"telemetry_socket", gateway.environment().telemetry_socket},
      {"fail", gateway.config().dataplane.fail == schema::FailMode::open ? "open" : "closed"},
      {"alarms", gateway.alarms()},
      {"time_known", gateway.moment().has_value()},
      {"ports", ports_of(gateway)},
      {"generation", nullptr}};
  if (const index::Snapshot* snapshot = gateway.snapshot(); snapshot != nullptr) {
    const generation::Header& header = snapshot->generation().header();
    reply["generation"] = header.generation;
    reply["generation_path"] = snapshot->generation().path().string();
    reply["generation_created"] = header.created;
    reply["entries"] = header.entries;
    reply["content_sha256"] = header.content_digest;
    if (snapshot->timetable().covers(gateway.moment())) {
      for (const policy::Schedule& schedule : snapshot->timetable().schedules()) {
        reply["schedules"][schedule.name] = schedule.holds(*gateway.moment());
      }
    }
    reply["modes"] = modes_of(*snapshot, gateway.moment());
    if (header.base) {
      reply["base_path"] = snapshot->generation().base()->path().string();
      reply["base_content_sha256"] = header.base->content_digest;
      reply["changed_entries"] = header.changed;
    }
  }
  return ok(std::move(reply));
}

/// Cycles of the time-stamp counter by stage and the frames that took them, of the bursts of each
/// worker that were timed, and how many cycles are a second.
json stages_of(const gateway::Gateway& gateway) {
  json lcores = json::array();
  for (const auto& worker : gateway.workers()) {
    json lcore = {{"frames", worker->counters().stages().frames()}};
    for (std::size_t i = 0; i < stats::kStageCount; ++i) {
      lcore[std::string(stats::kStageNames[i])] =
          worker->counters().stages().sum(static_cast<stats::Stage>(i));
    }
    lcores.push_back(std::move(lcore));
  }
  return {{"hertz", rte_get_tsc_hz()},
          {"timed_one_in", stats::kTimedOneIn},
          {"lcores", std::move(lcores)}};
}

json stats_of(gateway::Gateway& gateway) {
  json sums = json::object();
  json lcores = json::array();
  for (std::size_t i = 0; i < stats::kCounterCount; ++i) {
    std::uint64_t sum = 0;
    for (const auto& worker : gateway.workers()) {
      sum += worker->counters().value(static_cast<stats::Id>(i));
    }
    sums[std::string(stats::kDescriptions[i].name)] = sum;
  }
  for (const auto& worker : gateway.workers()) {
    json lcore = json::object();
    for (std::size_t i = 0; i < stats::kCounterCount; ++i) {
      lcore[std::string(stats::kDescriptions[i].name)] =
          worker->counters().value(static_cast<stats::Id>(i));
    }
    lcores.push_back(std::move(lcore));
  }
  const gateway::BlockOrigins& origins = gateway.block_origins();
  return ok({{"counters", std::move(sums)},
             {"blocks", {{"authority", origins.authority}, {"site", origins.site}}},
             {"lcores", std::move(lcores)},
             {"stages", stages_of(gateway)},
             {"ports", ports_of(gateway)}});
}

std::string entry_of(const stats::BlockEvent& event) {
  std::vector<std::uint8_t> wire(event.listed.begin(), event.listed.begin() + event.listed_length);
  wire.push_back(0);
  name::FoldedName name;
  name::fold_wire(wire, name);
  return name::display(name);
}

json block_of(const gateway::PastBlock& past) {
  const stats::BlockEvent& event = past.event;
  const policy::Category* category = policy::find_category(event.category);
  return {{"sequence", past.sequence},
          {"time", rfc3339(past.time)},
          {"incident", act::view(event.incident.text())},
          {"protocol", stats::text(event.protocol)},
          {"reason", policy::text(event.reason)},
          {"category", category != nullptr ? category->name : ""},
          {"layer", generation::text(event.layer)},
          {"group", past.group},
          {"entry", entry_of(event)},
          {"generation", event.generation},
          {"provenance", event.provenance}};
}

json load(gateway::Gateway& gateway, const json& request) {
  const std::string path = text_at(request, "path");
  if (path.empty()) return error({"'load' needs a path", "load", "give the generation's file"});
  auto loaded = gateway.load(path);
  if (!loaded) return error(loaded.error());
  return ok({{"generation", *loaded}});
}

json trial(const trial::Attempt& attempt) {
  auto counts = attempt.make();
  if (!counts) return error(counts.error());
  json categories = json::object();
  for (const auto& [id, count] : counts->by_category) {
    const policy::Category* category = policy::find_category(id);
    if (category != nullptr) categories[std::string(category->name)] = count;
  }
  return ok({{"running", attempt.running().header().generation},
             {"asked", counts->asked},
             {"blocked", counts->blocked},
             {"by_category", std::move(categories)}});
}

json events_after(const gateway::Gateway& gateway, const json& request) {
  const auto found = request.find("after");
  const std::uint64_t after =
      found != request.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  json events = json::array();
  for (const gateway::PastBlock& past : gateway.history()) {
    if (past.sequence > after) events.push_back(block_of(past));
  }
  return ok({{"events", std::move(events)}});
}

json incident(const gateway::Gateway& gateway, const json& request) {
  const std::string id = text_at(request, "id");
  for (const gateway::PastBlock& past : gateway.history()) {
    if (act::view(past.event.incident.text()) == id) return ok({{"block", block_of(past)}});
  }
  return error(
      {"no such incident among the last " + std::to_string(gateway.history().size()) + " blocks",
       id, "check the id; older blocks are not kept"});
}

}  // namespace

json answer(gateway::Gateway& gateway, const json& request) {
  const std::string command = text_at(request, "command");
  if (command == "status") return status_of(gateway);
  if (command == "stats") return stats_of(gateway);
  if (command == "load") return load(gateway, request);
  if (command == "events") {
    gateway.housekeeping();
    return events_after(gateway, request);
  }
  if (command == "incident") {
    gateway.housekeeping();
    return incident(gateway, request);
  }
  if (command == "budgets" || command == "budget-add" || command == "budget-reset") {
    return answer_budget(gateway, request);
  }
  if (command == "devices") return answer_devices(gateway, request);
  return error({"there is no command '" + command + "'", "dataplane",
                "use status, stats, load, trial, events, incident, budgets, budget-add, "
                "budget-reset or devices"});
}

Later later(const gateway::Gateway& gateway, const json& request) {
  if (text_at(request, "command") != "trial") return {};
  const std::string path = text_at(request, "path");
  auto attempt = path.empty() ? fail("'trial' needs a path", "trial", "give the generation's file")
                              : gateway.prepare_trial(path);
  if (!attempt) return [fault = attempt.error()] { return error(fault); };
  return
      [made = std::make_shared<const trial::Attempt>(std::move(*attempt))] { return trial(*made); };
}

}  // namespace sluice::ipc
