#include "config/generation/writer.h"

#include <map>

#include "config/base/json.h"
#include "config/generation/codec.h"
#include "config/generation/flatten.h"
#include "config/generation/table_file.h"
#include "config/name/name.h"

namespace sluice::generation {

struct Writer::State {
  std::filesystem::path path;
  TableFile file;
  Flattener flattener;
  std::map<std::string, std::uint32_t> provenance_ids;
  std::string last_key;
  std::uint64_t entry_count = 0;
  std::uint64_t record_count = 0;
};

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const std::filesystem::path& path, std::uint64_t map_bytes) {
  auto file = TableFile::create(path, map_bytes);
  if (!file) return fail(file.error());
  return Writer(std::unique_ptr<State>(new State{.path = path, .file = std::move(*file)}));
}

Result<std::uint32_t> Writer::add_provenance(const Provenance& provenance) {
  return add_provenance_row(provenance_json(provenance));
}

Result<std::uint32_t> Writer::add_provenance_row(const std::string& json) {
  const auto next = static_cast<std::uint32_t>(state_->provenance_ids.size());
  const auto [at, fresh] = state_->provenance_ids.emplace(json, next);
  if (fresh) {
    if (auto status = state_->file.append_provenance(next, json); !status) {
      return fail(status.error());
    }
  }
  return at->second;
}

Status Writer::append(std::string_view reversed_key, std::span<const Record> records) {
  if (auto status = check_record_count(reversed_key, records.size()); !status) return status;
  if (state_->entry_count > 0 && reversed_key <= state_->last_key) {
    return fail("entries are not in ascending order of reversed labels, or one is there twice",
                name::from_reversed_key(reversed_key), "sort them and merge equal names");
  }
  const std::string_view value = state_->flattener.next(reversed_key, records);
  if (auto status = state_->file.append_entry(reversed_key, value); !status) return status;
  state_->last_key.assign(reversed_key);
  state_->record_count += records.size();
  ++state_->entry_count;
  return {};
}

Status Writer::set_policy(std::string_view json) { return state_->file.set_policy(json); }

Status Writer::set_sources(std::string_view json) { return state_->file.set_sources(json); }

Result<Summary> Writer::finish(std::uint64_t generation, std::string_view created) {
  State& state = *state_;
  Summary summary{.path = state.path,
                  .generation = generation,
                  .entries = state.entry_count,
                  .records = state.record_count,
                  .content_digest = state.file.content_digest({})};
  const nlohmann::json header = {
      {"format", kFormatVersion},   {"generation", generation},
      {"entries", summary.entries}, {"records", summary.records},
      {"created", created},         {"content_sha256", summary.content_digest}};
  auto octets = state.file.finish(json_text(header), kFormatVersion);
  if (!octets) return fail(octets.error());
  summary.bytes = *octets;
  return summary;
}

std::string provenance_json(const Provenance& provenance) {
  nlohmann::json json = nlohmann::json::object();
  for (const ProvenanceField& field : kProvenanceFields) {
    if (!(provenance.*field.value).empty()) json[field.name] = provenance.*field.value;
  }
  return json_text(json);
}

Status check_record_count(std::string_view reversed_key, std::size_t records) {
  if (records > 0 && records <= UINT16_MAX) return {};
  return fail("an entry has " + std::to_string(records) + " records",
              name::from_reversed_key(reversed_key), "give 1 to 65535");
}

}  // namespace sluice::generation
