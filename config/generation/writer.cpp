#include "config/generation/writer.h"

#include <fcntl.h>
#include <map>
#include <unistd.h>
#include <utility>

#include <nlohmann/json.hpp>

#include "config/generation/flatten.h"
#include "config/generation/lmdb.h"
#include "config/generation/seal.h"
#include "config/name/name.h"

namespace sluice::generation {
namespace {

// Bounds the dirty pages that LMDB keeps in memory, 4 MB or so, and searches at each put.
constexpr std::uint64_t kEntriesPerCommit = 100'000;

std::string to_json(const Provenance& p) {
  nlohmann::json json = nlohmann::json::object();
  for (const ProvenanceField& field : kProvenanceFields) {
    if (!(p.*field.value).empty()) json[field.name] = p.*field.value;
  }
  return json.dump();
}

}  // namespace

struct Writer::State {
  std::filesystem::path path;
  std::filesystem::path temporary;
  EnvPtr env;
  TxnPtr txn;
  CursorPtr entry_cursor;  // at the end of `entries`, of this transaction
  MDB_dbi entries = 0;
  MDB_dbi provenance = 0;
  MDB_dbi meta = 0;
  Flattener flattener;
  Sha256 entries_hash;
  Sha256 provenance_hash;
  std::string policy;
  std::string sources;
  std::map<std::string, std::uint32_t> provenance_ids;
  std::string last_key;
  std::uint64_t entry_count = 0;
  std::uint64_t record_count = 0;
  bool finished = false;

  ~State() {
    entry_cursor.reset();
    txn.reset();
    env.reset();
    std::error_code ignored;
    if (!finished && !temporary.empty()) std::filesystem::remove(temporary, ignored);
  }

  [[nodiscard]] tl::unexpected<Error> lmdb_error(int code) const {
    const char* advice =
        code == MDB_MAP_FULL ? "raise the map size" : "check the disk's free space";
    return fail(std::string("cannot write: ") + mdb_strerror(code), temporary.string(), advice);
  }

  Status begin() {
    MDB_txn* raw = nullptr;
    if (const int code = mdb_txn_begin(env.get(), nullptr, 0, &raw)) return lmdb_error(code);
    txn.reset(raw);
    return {};
  }

  Status open_entry_cursor() {
    MDB_cursor* raw = nullptr;
    if (const int code = mdb_cursor_open(txn.get(), entries, &raw)) return lmdb_error(code);
    entry_cursor.reset(raw);
    return {};
  }

  Status commit() {
    entry_cursor.reset();
    if (const int code = mdb_txn_commit(txn.release())) return lmdb_error(code);
    return {};
  }

  Status put(MDB_dbi table, std::string_view key, std::string_view value, unsigned flags) {
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);
    if (const int code = mdb_put(txn.get(), table, &k, &v, flags)) return lmdb_error(code);
    return {};
  }

  Status append_entry(std::string_view key, std::string_view value) {
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);
    if (const int code = mdb_cursor_put(entry_cursor.get(), &k, &v, MDB_APPEND)) {
      return lmdb_error(code);
    }
    return {};
  }

  [[nodiscard]] std::string content_digest() {
    const auto of = [](std::string_view bytes) {
      Sha256 hash;
      hash.add(bytes);
      return hash.finish();
    };
    Sha256 all;
    for (const Sha256::Digest& part :
         {entries_hash.finish(), provenance_hash.finish(), of(policy), of(sources)}) {
      all.add({reinterpret_cast<const char*>(part.data()), part.size()});
    }
    return hex(all.finish());
  }
};

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const std::filesystem::path& path, std::uint64_t map_bytes) {
  auto state = std::make_unique<State>();
  state->path = path;
  const std::filesystem::path temporary = path.string() + ".tmp." + std::to_string(getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);

  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env)) return state->lmdb_error(code);
  state->env.reset(env);
  mdb_env_set_maxdbs(env, 3);
  mdb_env_set_mapsize(env, map_bytes);
  // Nobody else sees the file before it is sealed and renamed, so neither locks nor syncs on the
  // way are needed.
  constexpr unsigned kFlags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NOTLS;
  state->temporary = temporary;
  if (const int code = mdb_env_open(env, temporary.c_str(), kFlags, 0644)) {
    return fail(std::string("cannot create: ") + mdb_strerror(code), temporary.string(),
                "check that the folder exists and can be written");
  }
  if (auto status = state->begin(); !status) return fail(status.error());
  for (const auto& [name, table] :
       {std::pair{kEntriesTable, &state->entries}, std::pair{kProvenanceTable, &state->provenance},
        std::pair{kMetaTable, &state->meta}}) {
    if (const int code = mdb_dbi_open(state->txn.get(), name, MDB_CREATE, table)) {
      return state->lmdb_error(code);
    }
  }
  if (auto status = state->open_entry_cursor(); !status) return fail(status.error());
  return Writer(std::move(state));
}

Result<std::uint32_t> Writer::add_provenance(const Provenance& provenance) {
  const std::string value = to_json(provenance);
  const auto next = static_cast<std::uint32_t>(state_->provenance_ids.size());
  const auto [at, fresh] = state_->provenance_ids.emplace(value, next);
  if (fresh) {
    const std::string key = provenance_key(next);
    state_->provenance_hash.add_field(key);
    state_->provenance_hash.add_field(value);
    if (auto status = state_->put(state_->provenance, key, value, MDB_APPEND); !status) {
      return fail(status.error());
    }
  }
  return at->second;
}

Status Writer::append(std::string_view reversed_key, std::span<const Record> records) {
  if (records.empty() || records.size() > UINT16_MAX) {
    return fail("an entry has " + std::to_string(records.size()) + " records",
                name::from_reversed_key(reversed_key), "give 1 to 65535");
  }
  if (state_->entry_count > 0 && reversed_key <= state_->last_key) {
    return fail("entries are not in ascending order of reversed labels, or one is there twice",
                name::from_reversed_key(reversed_key), "sort them and merge equal names");
  }
  const std::string_view value = state_->flattener.next(reversed_key, records);
  state_->entries_hash.add_field(reversed_key);
  state_->entries_hash.add_field(value);
  if (auto status = state_->append_entry(reversed_key, value); !status) return status;
  state_->last_key.assign(reversed_key);
  state_->record_count += records.size();
  if (++state_->entry_count % kEntriesPerCommit != 0) return {};
  if (auto status = state_->commit(); !status) return status;
  if (auto status = state_->begin(); !status) return status;
  return state_->open_entry_cursor();
}

Status Writer::set_policy(std::string_view json) {
  state_->policy = json;
  return state_->put(state_->meta, kPolicyKey, json, 0);
}

Status Writer::set_sources(std::string_view json) {
  state_->sources = json;
  return state_->put(state_->meta, kSourcesKey, json, 0);
}

Result<Summary> Writer::finish(std::uint64_t generation, std::string_view created) {
  State& state = *state_;
  Summary summary{.path = state.path,
                  .generation = generation,
                  .entries = state.entry_count,
                  .records = state.record_count,
                  .bytes = 0,
                  .content_digest = state.content_digest()};
  const nlohmann::json header = {
      {"format", kFormatVersion},   {"generation", generation},
      {"entries", summary.entries}, {"records", summary.records},
      {"created", created},         {"content_sha256", summary.content_digest}};
  if (auto status = state.put(state.meta, kHeaderKey, header.dump(), 0); !status) {
    return fail(status.error());
  }
  if (auto status = state.commit(); !status) return fail(status.error());
  state.env.reset();
  if (auto status = seal(state.temporary); !status) return fail(status.error());

  std::error_code error;
  summary.bytes = std::filesystem::file_size(state.temporary, error);
  std::filesystem::rename(state.temporary, state.path, error);
  if (error) return fail("cannot rename: " + error.message(), state.temporary.string());
  state.finished = true;
  const std::filesystem::path folder =
      state.path.has_parent_path() ? state.path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) {
    return fail("cannot sync the folder", folder.string(), "check the disk");
  }
  return summary;
}

}  // namespace sluice::generation
