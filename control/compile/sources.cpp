// What a generation says of its origin.
#include <algorithm>

#include "config/base/json.h"
#include "control/compile/compile.h"
#include "control/tuf/json.h"

namespace sluice::compile {
namespace {

Stretch read_stretch(tuf::FieldReader& fields) {
  Stretch out;
  if (auto time = tuf::parse_time(fields.text_or("last_change", ""))) out.last_change = *time;
  if (auto time = tuf::parse_time(fields.text_or("next_change", ""))) out.next_change = *time;
  return out;
}

}  // namespace

Sources sources_from_json(std::string_view text) {
  Sources sources;
  const auto json = tuf::parse_strict(text, "sources");
  if (!json || !json->is_object()) return sources;
  tuf::FieldReader fields(*json, "sources");
  sources.release = fields.text_or("release", "");
  sources.orders = read_stretch(fields);
  if (auto ended = tuf::parse_time(fields.text_or("ended", ""))) {
    auto& last = sources.orders.last_change;
    if (!last || *last < *ended) last = *ended;
  }
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
    sources.emergency->orders = read_stretch(part);
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

tuf::Json* list_row(tuf::Json& sources, std::string_view department) {
  const auto lists = sources.find("lists");
  if (lists == sources.end() || !lists->is_array()) return nullptr;
  for (tuf::Json& one : *lists) {
    if (one.is_object() && text_at(one, "department") == department) return &one;
  }
  return nullptr;
}

void put_stretch(tuf::Json& json, const Stretch& orders) {
  const auto put = [&](const char* key, const std::optional<tuf::Time>& time) {
    json.erase(key);
    if (time) json[key] = tuf::to_text(*time);
  };
  put("last_change", orders.last_change);
  put("next_change", orders.next_change);
}

void add_to_count(tuf::Json& row, const std::string& what, std::int64_t more) {
  tuf::Json& value = row[what];
  const std::uint64_t before = value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
  // What is taken away was counted before.
  value = more < 0 ? before - std::min(before, std::uint64_t(-more)) : before + std::uint64_t(more);
}

void add_to_dropped(tuf::Json& row, const std::string& reason, std::int64_t more) {
  tuf::Json& dropped = row["dropped"];
  add_to_count(dropped, reason, more);
  if (dropped[reason] == 0U) dropped.erase(reason);
  if (dropped.empty()) row.erase("dropped");
}

void tell_dropped(tuf::Json& sources, const std::string& text, bool is_dropped) {
  tuf::Json& told = sources["dropped"];
  const auto there = std::find(told.begin(), told.end(), text);
  if (is_dropped && there == told.end() && told.size() < kMaxDroppedTold) told.push_back(text);
  if (!is_dropped && there != told.end()) told.erase(there);
  if (told.empty()) sources.erase("dropped");
}

void put_local(tuf::Json& sources, const LocalLayers& layers) {
  sources.erase("local");
  if (layers.sources.empty()) return;
  sources["local"] = {{"ids", layers.ids()}};
  if (layers.next_change) sources["local"]["next_change"] = tuf::to_text(*layers.next_change);
}

}  // namespace sluice::compile
