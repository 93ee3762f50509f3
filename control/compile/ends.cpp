#include "control/compile/ends.h"

#include "config/base/json.h"
#include "config/generation/codec.h"
#include "config/generation/delta_writer.h"
#include "control/compile/compile.h"
#include "control/compile/local.h"
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
    if (out.rows[id]) out.until = std::max(out.until, *expires);
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

void put_ended(tuf::Json& sources, const Ended& ended) {
  sources[kEnded] = tuf::to_text(ended.until);
  for (const auto& [department, count] : ended.entries) {
    tuf::Json* const list = list_row(sources, department);
    if (list == nullptr) continue;
    add_to_count(*list, "entries", -static_cast<std::int64_t>(count));
    add_to_count(*list, "expired", static_cast<std::int64_t>(count));
  }
}

}  // namespace sluice::compile
