// What a generation says of its origin.
#include "config/base/json.h"
#include "control/compile/compile.h"
#include "control/tuf/json.h"

namespace sluice::compile {

Sources sources_from_json(std::string_view text) {
  Sources sources;
  const auto json = tuf::parse_strict(text, "sources");
  if (!json || !json->is_object()) return sources;
  tuf::FieldReader fields(*json, "sources");
  sources.release = fields.text_or("release", "");
  if (auto time = tuf::parse_time(fields.text_or("next_change", ""))) sources.next_change = *time;
  tuf::FieldReader site(fields.object("local", false), "sources: local");
  if (auto time = tuf::parse_time(site.text_or("next_change", ""))) {
    sources.local_next_change = *time;
  }
  for (const auto& [name, id] : site.object("ids", false).items()) {
    if (id.is_string()) sources.local[name] = id.get<std::string>();
  }
  if (json->contains("emergency")) {
    const tuf::Json told = fields.object("emergency", false);
    tuf::FieldReader part(told, "sources: emergency");
    sources.emergency.emplace();
    sources.emergency->id = part.text_or("id", "");
    if (told.contains("keys")) sources.emergency->keys = part.texts("keys");
    if (auto time = tuf::parse_time(part.text_or("next_change", ""))) {
      sources.emergency->next_change = *time;
    }
  }
  if (json->contains("dropped")) sources.dropped = fields.texts("dropped");
  for (const tuf::Json& list : fields.array("lists")) {
    if (list.is_object() && list.contains("seq") && list["seq"].is_number_unsigned()) {
      sources.seqs[text_at(list, "department")] = list["seq"].get<std::uint64_t>();
    }
    if (!list.is_object() || !list.contains("dropped")) continue;
    for (const auto& [reason, count] : list["dropped"].items()) {
      if (count.is_number_unsigned()) sources.dropped_count += count.get<std::uint64_t>();
    }
  }
  return sources;
}

void put_local(tuf::Json& sources, const LocalLayers& layers) {
  sources.erase("local");
  if (layers.sources.empty()) return;
  sources["local"] = {{"ids", layers.ids()}};
  if (layers.next_change) sources["local"]["next_change"] = tuf::to_text(*layers.next_change);
}

}  // namespace sluice::compile
