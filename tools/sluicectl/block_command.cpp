// Past blocks: what a person who was refused reads out of the error is looked up here.
#include <chrono>
#include <iostream>

#include "config/generation/reader.h"
#include "config/ipc/socket.h"
#include "tools/sluicectl/commands.h"

namespace sluice::ctl {
namespace {

using nlohmann::json;

/// Who listed the name, from the generation that judged it, where that one is still kept.
Result<generation::Provenance> provenance_of(const schema::Config& config, const json& block) {
  const std::string number = shown(block, "generation");
  std::error_code error;
  for (std::filesystem::directory_iterator at(config.generations_dir(), error), end;
       !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".lmdb") continue;
    auto generation = generation::Generation::open(at->path());
    if (!generation || std::to_string((*generation)->header().generation) != number) continue;
    const auto id = block.find("provenance");
    if (id == block.end() || !id->is_number_unsigned()) break;
    return (*generation)->provenance(id->get<std::uint32_t>());
  }
  return fail("generation " + number + " is not kept any more", config.generations_dir().string());
}

void print_block(const json& block) {
  std::vector<std::vector<std::string>> rows;
  for (const char* key : {"incident", "time", "protocol", "entry", "category", "reason", "layer",
                          "group", "generation"}) {
    rows.push_back({std::string("  ") + key, shown(block, key)});
  }
  std::cout << table(rows);
}

void print_provenance(const generation::Provenance& provenance) {
  std::vector<std::vector<std::string>> rows;
  for (const generation::ProvenanceField& field : generation::kProvenanceFields) {
    const std::string& value = provenance.*field.value;
    if (!value.empty()) rows.push_back({std::string("  ") + field.name, value});
  }
  std::cout << table(rows);
}

}  // namespace

int show_incident(const Context& context, const std::string& id) {
  const auto config = load_config(context);
  if (!config) return report(context, config.error());
  const auto reply =
      ipc::call(config->dataplane_socket(), {{"command", "incident"}, {"id", id}}, kPatience);
  if (!reply) return report(context, reply.error(), kNo);
  const json block = reply->contains("block") ? (*reply)["block"] : json::object();
  const auto provenance = provenance_of(*config, block);
  if (context.json) {
    nlohmann::ordered_json out = {{"ok", true}, {"block", block}};
    if (provenance) {
      out["order"] = provenance->order;
      out["department"] = provenance->department;
      out["appeal_url"] = provenance->appeal_url;
    }
    print_json(out);
    return kYes;
  }
  print_block(block);
  if (provenance) {
    print_provenance(*provenance);
  } else {
    std::cout << "  (" << provenance.error().text() << ")\n";
  }
  return kYes;
}

int show_events(const Context& context, std::size_t most) {
  const auto config = load_config(context);
  if (!config) return report(context, config.error());
  const auto reply = ipc::call(config->dataplane_socket(), {{"command", "events"}}, kPatience);
  if (!reply) return report(context, reply.error());
  json events = reply->contains("events") ? (*reply)["events"] : json::array();
  if (events.size() > most) {
    events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(most));
  }
  if (context.json) {
    print_json({{"ok", true}, {"events", events}});
    return kYes;
  }
  std::vector<std::vector<std::string>> rows = {
      {"time", "incident", "protocol", "category", "entry", "group"}};
  for (const json& event : events) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const std::string& key : rows.front()) row.push_back(shown(event, key.c_str()));
  }
  std::cout << table(rows);
  return kYes;
}

}  // namespace sluice::ctl
