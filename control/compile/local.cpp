#include "control/compile/local.h"

#include <algorithm>
#include <set>

#include "config/base/json.h"
#include "config/generation/codec.h"
#include "control/compile/begins.h"
#include "control/compile/compile.h"
#include "control/compile/emergency.h"
#include "control/compile/ends.h"
#include "control/tuf/json.h"

namespace sluice::compile {
namespace {

using generation::Record;

struct Scanned {
  std::map<std::string, std::vector<std::string>> local;  // by the source's name
  std::vector<std::string> emergency;
};

/// Keys of all these records of a generation: the long way, which reads every entry.
Result<Scanned> scan(const generation::Generation& base) {
  Scanned keys;
  std::map<std::uint32_t, std::string> lists;
  Status fault;
  auto status = base.for_each_entry([&](std::string_view key, std::string_view value) {
    const auto entry = generation::EntryView::decode(value);
    for (std::size_t i = 0; entry && i < entry->record_count(); ++i) {
      const Record record = entry->record(i);
      if (record.layer == generation::Layer::emergency) keys.emergency.emplace_back(key);
      if (!is_local(record)) continue;
      auto known = lists.find(record.provenance);
      if (known == lists.end()) {
        auto provenance = base.provenance(record.provenance);
        if (!provenance) fault = fail(provenance.error());
        known = lists.emplace(record.provenance, provenance ? provenance->list : "").first;
      }
      keys.local[known->second].emplace_back(key);
    }
  });
  if (!status) return fail(status.error());
  if (!fault) return fail(fault.error());
  return keys;
}

/// What a source had in the base and what it has now.
struct Differing {
  enum class Kind : std::uint8_t { local, emergency, ended, begun };
  std::string name;
  Kind kind = Kind::local;
  std::vector<std::string> former;
  LocalContent content;
};

Result<std::vector<Differing>> find_differing(const LocalInput& input) {
  const Sources sources = sources_from_json(input.base->sources_json());
  const auto& before = sources.local;
  const auto after = input.layers->ids();
  std::vector<Differing> out;
  std::set<std::string> names;
  for (const auto& [name, id] : before) names.insert(name);
  for (const auto& [name, id] : after) names.insert(name);
  std::optional<Scanned> scanned;
  const auto scan_once = [&]() -> Status {
    if (scanned) return {};
    auto all = scan(*input.base);
    if (!all) return fail(all.error());
    scanned = std::move(*all);
    return {};
  };
  for (const std::string& name : names) {
    const auto was = before.find(name);
    const auto is = after.find(name);
    if (was != before.end() && is != after.end() && was->second == is->second) continue;
    Differing one{.name = name};
    if (was != before.end()) {
      auto known = input.layers->former ? input.layers->former(name, was->second) : std::nullopt;
      if (!known) {
        if (auto status = scan_once(); !status) return fail(status.error());
        known = scanned->local[name];
      }
      one.former = std::move(*known);
    }
    for (const LocalSource& source : input.layers->sources) {
      if (source.name != name) continue;
      auto content = source.read();
      if (!content) return fail(content.error());
      one.content = std::move(*content);
    }
    out.push_back(std::move(one));
  }
  if (input.emergency == nullptr) return out;
  Differing one{.name = std::string(kEmergency), .kind = Differing::Kind::emergency};
  one.content = input.emergency->content;
  if (sources.emergency) {
    one.former = sources.emergency->keys;
  } else if (!sources.release.empty()) {
    if (auto status = scan_once(); !status) return fail(status.error());
    one.former = std::move(scanned->emergency);
  }
  out.push_back(std::move(one));
  return out;
}

/// Changes the records of one source after the other, key by key over all of them.
class LocalCompiler {
 public:
  LocalCompiler(const LocalInput& input, generation::DeltaWriter writer,
                std::vector<Differing> differing, std::optional<Ended> ended)
      : input_(input),
        writer_(std::move(writer)),
        differing_(std::move(differing)),
        ended_(std::move(ended)) {
    if (ended_) {
      differing_.push_back({.name = {}, .kind = Differing::Kind::ended, .former = ended_->keys});
    }
    if (input.begun == nullptr) return;
    for (const BegunList& list : input.begun->lists) {
      differing_.push_back(
          {.name = list.department, .kind = Differing::Kind::begun, .content = list.content});
    }
  }

  Result<LocalCompiled> run();

 private:
  Status change(const std::string& key);
  Result<bool> belongs(const Record& record, const Differing& source);
  Result<std::size_t> place_of(const Record& record);
  Status insert(const std::string& department, const Record& record, std::vector<Record>& records);
  [[nodiscard]] bool has_ended(const Record& record) const {
    return record.provenance < ended_->rows.size() && ended_->rows[record.provenance];
  }

  const LocalInput& input_;
  generation::DeltaWriter writer_;
  std::vector<Differing> differing_;
  std::optional<Ended> ended_;
  std::vector<std::size_t> at_;                  // in the content of each
  std::map<std::uint32_t, std::string> lists_;   // of provenance rows
  std::map<std::uint32_t, std::size_t> places_;  // of these rows' lists in the release
  std::uint64_t changed_ = 0;
};

Result<bool> LocalCompiler::belongs(const Record& record, const Differing& source) {
  if (source.kind == Differing::Kind::begun) return false;
  if (source.kind == Differing::Kind::ended) return has_ended(record);
  if (source.kind == Differing::Kind::emergency) {
    return record.layer == generation::Layer::emergency;
  }
  if (!is_local(record)) return false;
  auto known = lists_.find(record.provenance);
  if (known == lists_.end()) {
    auto provenance = input_.base->provenance(record.provenance);
    if (!provenance) return fail(provenance.error());
    known = lists_.emplace(record.provenance, provenance->list).first;
  }
  return known->second == source.name;
}

/// Past all lists where it is of none of them.
Result<std::size_t> LocalCompiler::place_of(const Record& record) {
  const auto known = places_.find(record.provenance);
  if (known != places_.end()) return known->second;
  auto provenance = input_.base->provenance(record.provenance);
  if (!provenance) return fail(provenance.error());
  const auto& all = input_.begun->departments;
  const auto at = std::find(all.begin(), all.end(), provenance->department);
  return places_[record.provenance] = static_cast<std::size_t>(at - all.begin());
}

/// Behind those of its own list and of the ones before it, as compile() orders them.
Status LocalCompiler::insert(const std::string& department, const Record& record,
                             std::vector<Record>& records) {
  const auto& all = input_.begun->departments;
  const auto mine =
      static_cast<std::size_t>(std::find(all.begin(), all.end(), department) - all.begin());
  places_[record.provenance] = mine;
  auto at = records.begin();
  for (; at != records.end(); ++at) {
    auto place = place_of(*at);
    if (!place) return fail(place.error());
    if (*place > mine) break;
  }
  records.insert(at, record);
  return {};
}

Status LocalCompiler::change(const std::string& key) {
  std::vector<Record> records = writer_.records(key);
  const std::vector<Record> before = records;
  std::vector<Record> added;
  for (std::size_t i = 0; i < differing_.size(); ++i) {
    const Differing& source = differing_[i];
    for (auto at = records.begin(); at != records.end();) {
      auto mine = belongs(*at, source);
      if (!mine) return fail(mine.error());
      at = *mine ? records.erase(at) : at + 1;
    }
    const auto& entries = source.content.entries;
    for (; at_[i] < entries.size() && entries[at_[i]].key == key; ++at_[i]) {
      Record record = entries[at_[i]].record;
      auto row = writer_.add_provenance(source.content.provenance[record.provenance]);
      if (!row) return fail(row.error());
      record.provenance = *row;
      if (source.kind != Differing::Kind::begun) {
        added.push_back(record);
      } else if (auto status = insert(source.name, record, records); !status) {
        return status;
      }
    }
  }
  records.insert(records.end(), added.begin(), added.end());
  if (records == before) return {};
  ++changed_;
  return writer_.change(key, records);
}

Result<LocalCompiled> LocalCompiler::run() {
  std::set<std::string_view> keys;
  for (const Differing& source : differing_) {
    keys.insert(source.former.begin(), source.former.end());
    for (const LocalEntry& entry : source.content.entries) keys.insert(entry.key);
  }
  at_.assign(differing_.size(), 0);
  if (ended_ && ended_->too_many) {
    writer_.leave_out([this](const Record& record) { return has_ended(record); });
  }
  for (const std::string_view key : keys) {
    if (auto status = change(std::string(key)); !status) return fail(status.error());
  }
  tuf::Json sources = parse_json(input_.base->sources_json());
  if (!sources.is_object()) sources = tuf::Json::object();
  put_local(sources, *input_.layers);
  if (input_.emergency != nullptr) put_emergency(sources, *input_.emergency);
  LocalCompiled out{.summary = {}, .changed = changed_};
  if (ended_) {
    put_ended(sources, *ended_);
    for (const auto& [department, count] : ended_->entries) out.ended += count;
  }
  if (input_.begun != nullptr) {
    put_begun(sources, *input_.begun);
    for (const BegunList& list : input_.begun->lists) out.begun += list.content.entries.size();
  }
  writer_.set_policy(input_.policy_json);
  writer_.set_sources(json_text(sources));
  auto summary = writer_.finish(input_.output, input_.generation, tuf::to_text(input_.now));
  if (!summary) return fail(summary.error());
  out.summary = std::move(*summary);
  return out;
}

}  // namespace

std::map<std::string, std::string> LocalLayers::ids() const {
  std::map<std::string, std::string> out;
  for (const LocalSource& source : sources) out[source.name] = source.id;
  return out;
}

Result<LocalStream> LocalStream::open(const LocalLayers& layers) {
  LocalStream out;
  std::uint64_t entries = 0;
  for (const LocalSource& source : layers.sources) {
    auto content = source.read();
    if (!content) return fail(content.error());
    entries += content->entries.size();
    std::vector<std::optional<std::uint32_t>> rows(content->provenance.size());
    out.parts_.push_back({std::move(*content), 0, std::move(rows)});
  }
  if (entries > kMaxLocalEntries) {
    return fail("the site's own lists hold " + std::to_string(entries) + " entries; " +
                    std::to_string(kMaxLocalEntries) + " are the most",
                "subscriptions", "take fewer subscriptions");
  }
  return out;
}

const std::string* LocalStream::key() const {
  const std::string* least = nullptr;
  for (const Part& part : parts_) {
    if (part.at == part.content.entries.size()) continue;
    const std::string& key = part.content.entries[part.at].key;
    if (least == nullptr || key < *least) least = &key;
  }
  return least;
}

Status LocalStream::take(generation::Writer& writer, std::vector<Record>& records) {
  const std::string key = *this->key();
  for (Part& part : parts_) {
    const auto& entries = part.content.entries;
    for (; part.at < entries.size() && entries[part.at].key == key; ++part.at) {
      Record record = entries[part.at].record;
      auto& row = part.rows[record.provenance];
      if (!row) {
        auto added = writer.add_provenance(part.content.provenance[record.provenance]);
        if (!added) return fail(added.error());
        row = *added;
      }
      record.provenance = *row;
      records.push_back(record);
    }
  }
  return {};
}

Result<LocalCompiled> compile_local(const LocalInput& input) {
  auto differing = find_differing(input);
  if (!differing) return fail(differing.error());
  auto ended = find_ended(*input.base, input.now);
  if (!ended) return fail(ended.error());
  auto writer = generation::DeltaWriter::create(input.base);
  if (!writer) return fail(writer.error());
  return LocalCompiler(input, std::move(*writer), std::move(*differing), std::move(*ended)).run();
}

}  // namespace sluice::compile
