#include "control/compile/ends.h"

#include <algorithm>

#include "config/base/json.h"
#include "config/generation/codec.h"
#include "config/generation/delta_writer.h"
#include "control/compile/compile.h"
#include "control/compile/local.h"
#include "control/compile/orders.h"
#include "control/tuf/time.h"

namespace sluice::compile {
namespace {

constexpr const char* kEnded = "ended";  // of the sources: what ended until then is not there

struct Row {
  std::string department;
  std::optional<tuf::Time> expires;  // none: it ends by nothing that is looked at here
};

Result<std::vector<Row>> read_rows(const generation::Generation& of) {
  auto rows = of.provenance_rows();
  if (!rows) return fail(rows.error());
  std::vector<Row> out;
  out.reserve(rows->size());
  for (const std::string& text : *rows) {
    const auto json = parse_json(text);
    Row row{.department = json.is_object() ? text_at(json, "department") : std::string(),
            .expires = std::nullopt};
    if (row.department != kSite && row.department != kEmergency && json.is_object()) {
      if (auto time = tuf::parse_time(text_at(json, "expires"))) row.expires = *time;
    }
    out.push_back(std::move(row));
  }
  return out;
}

std::optional<tuf::Time> ended_until(const tuf::Json& sources) {
  const auto time = sources.is_object() ? tuf::parse_time(text_at(sources, kEnded))
                                        : Result<tuf::Time>(fail("no sources"));
  return time ? std::optional(*time) : std::nullopt;
}

/// Its row in a generation's sources; null where there is none.
tuf::Json* list_row(tuf::Json& sources, std::string_view department) {
  const auto lists = sources.find("lists");
  if (lists == sources.end() || !lists->is_array()) return nullptr;
  for (tuf::Json& one : *lists) {
    if (one.is_object() && text_at(one, "department") == department) return &one;
  }
  return nullptr;
}

}  // namespace

Result<std::optional<tuf::Time>> next_end(const generation::Generation& of) {
  auto rows = read_rows(of);
  if (!rows) return fail(rows.error());
  const auto until = ended_until(parse_json(of.sources_json()));
  std::optional<tuf::Time> next;
  for (const Row& row : *rows) {
    if (!row.expires || (until && *row.expires <= *until)) continue;
    if (!next || *row.expires < *next) next = row.expires;
  }
  return next;
}

Result<std::optional<Ended>> find_ended(const generation::Generation& of, tuf::Time now) {
  auto rows = read_rows(of);
  if (!rows) return fail(rows.error());
  const auto until = ended_until(parse_json(of.sources_json()));
  Ended out;
  out.rows.resize(rows->size());
  bool any = false;
  for (std::size_t id = 0; id < rows->size(); ++id) {
    const auto& expires = (*rows)[id].expires;
    out.rows[id] = expires && *expires <= now && !(until && *expires <= *until);
    any = any || out.rows[id];
  }
  if (!any) return std::optional<Ended>();
  std::vector<std::uint64_t> entries(rows->size());
  auto status = of.for_each_entry([&](std::string_view key, std::string_view value) {
    const auto entry = generation::EntryView::decode(value);
    bool has = false;
    for (std::size_t i = 0; entry && i < entry->record_count(); ++i) {
      const std::uint32_t id = entry->record(i).provenance;
      if (id >= out.rows.size() || !out.rows[id]) continue;
      ++entries[id];
      has = true;
    }
    if (!has || out.too_many) return;
    out.keys.emplace_back(key);
    out.too_many = out.keys.size() > generation::kMaxOverlayEntries;
  });
  if (!status) return fail(status.error());
  if (out.too_many) out.keys = {};
  for (std::size_t id = 0; id < rows->size(); ++id) {
    if (entries[id] != 0) out.entries[(*rows)[id].department] += entries[id];
  }
  return std::optional(std::move(out));
}

void put_ended(tuf::Json& sources, const Ended& ended, tuf::Time now) {
  sources[kEnded] = tuf::to_text(now);
  for (const auto& [department, count] : ended.entries) {
    tuf::Json* const list = list_row(sources, department);
    if (list == nullptr) continue;
    const auto move = [&](const char* key, auto change) {
      tuf::Json& value = (*list)[key];
      value = change(value.is_number_unsigned() ? value.get<std::uint64_t>() : 0);
    };
    move("entries", [&](std::uint64_t n) { return n - std::min(n, count); });
    move("expired", [&](std::uint64_t n) { return n + count; });
  }
}

Result<std::optional<NextChange>> only_ends(const Release& release, std::string_view sources_json,
                                            const std::filesystem::path& lists_dir, tuf::Time now) {
  const std::optional<NextChange> more;
  const Sources sources = sources_from_json(sources_json);
  tuf::Json json = parse_json(sources_json);
  if (sources.release != release_id(release) || !sources.next_change || !json.is_object()) {
    return more;
  }
  // Nothing has begun or ended before that which is not in it.
  const auto is_new = [&](tuf::Time time) { return time >= *sources.next_change && time <= now; };
  NextChange next;
  for (const ReleaseList& list : release.lists) {
    auto orders = read_orders(list, lists_dir);
    if (!orders) return fail(orders.error());
    const tuf::Json* const row = list_row(json, list.department);
    // Names that were left out by the rules are counted as such, and not by their orders.
    const bool has_dropped = row == nullptr || row->contains("dropped");
    for (const Order& order : *orders) {
      if (!order.active) continue;
      for (const tuf::Time time : {order.effective, order.expires}) {
        if (time > now && (!next.at || time < *next.at)) next.at = time;
      }
      if (is_new(order.effective) || (has_dropped && is_new(order.expires))) return more;
    }
  }
  return std::optional(next);
}

}  // namespace sluice::compile
