#include "config/generation/reader.h"

#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "config/generation/codec.h"
#include "config/generation/lmdb.h"
#include "config/generation/seal.h"

namespace sluice::generation {
namespace {

bool is_below(const name::LookupName& name, unsigned labels) { return labels < name.label_count; }

/// How many of a name's rightmost labels a key has in common with it.
unsigned common_labels(const name::LookupName& name, std::string_view key) {
  const std::size_t most = std::min<std::size_t>(key.size(), name.key_length);
  const auto* const end =
      std::mismatch(key.begin(), key.begin() + static_cast<long>(most), name.key()).first;
  const auto same = static_cast<std::size_t>(end - key.begin());
  unsigned labels = 0;
  while (labels < name.label_count && name.length_of(labels + 1) <= same) ++labels;
  return labels;
}

std::string field(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

struct Generation::State {
  std::filesystem::path path;
  VerifiedCopy copy;
  EnvPtr env;
  TxnPtr txn;  // keeps the table handles open; used by the cold paths of one thread at a time
  MDB_dbi entries = 0;
  MDB_dbi provenance = 0;
  MDB_dbi meta = 0;
  Header header;
  std::string policy;
  std::string sources;

  [[nodiscard]] std::optional<std::string_view> get(MDB_txn* in, MDB_dbi table,
                                                    std::string_view key) const {
    MDB_val k = to_val(key);
    MDB_val v{};
    if (mdb_get(in, table, &k, &v) != MDB_SUCCESS) return std::nullopt;
    return to_view(v);
  }

  [[nodiscard]] tl::unexpected<Error> error(std::string what) const {
    return fail(std::move(what), path.string(), "use an older generation, or pull the list again");
  }

  Status open_tables();
  Status read_header();
  [[nodiscard]] Result<TxnPtr> begin() const;
};

Result<TxnPtr> Generation::State::begin() const {
  MDB_txn* raw = nullptr;
  if (const int code = mdb_txn_begin(env.get(), nullptr, MDB_RDONLY, &raw)) {
    return error(std::string("cannot read: ") + mdb_strerror(code));
  }
  return TxnPtr(raw);
}

Status Generation::State::open_tables() {
  MDB_env* raw = nullptr;
  if (mdb_env_create(&raw) != 0) return error("out of memory");
  env.reset(raw);
  mdb_env_set_maxdbs(raw, 3);
  mdb_env_set_mapsize(raw, copy.octets);
  // The copy is private to this process and sealed: no lock file, no reader table.
  const std::string memory = "/proc/self/fd/" + std::to_string(copy.memory.get());
  constexpr unsigned kFlags = MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS;
  if (const int code = mdb_env_open(raw, memory.c_str(), kFlags, 0)) {
    return error(std::string("is no LMDB file: ") + mdb_strerror(code));
  }
  auto first = begin();
  if (!first) return fail(first.error());
  txn = std::move(*first);
  for (const auto& [name, table] :
       {std::pair{kEntriesTable, &entries}, std::pair{kProvenanceTable, &provenance},
        std::pair{kMetaTable, &meta}}) {
    if (mdb_dbi_open(txn.get(), name, 0, table) != 0) {
      return error(std::string("has no table '") + name + "'");
    }
  }
  return {};
}

Status Generation::State::read_header() {
  const auto text = get(txn.get(), meta, kHeaderKey);
  if (!text) return error("has no header");
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) return error("the header is not a JSON object");
  header = {static_cast<std::uint32_t>(number(json, "format")),
            number(json, "generation"),
            number(json, "entries"),
            number(json, "records"),
            field(json, "created"),
            field(json, "content_sha256")};
  if (header.format != kFormatVersion) return error("the header is of another format");
  MDB_stat stat{};
  mdb_stat(txn.get(), entries, &stat);
  if (stat.ms_entries != header.entries) {
    return error("holds " + std::to_string(stat.ms_entries) + " entries where its header says " +
                 std::to_string(header.entries));
  }
  policy = get(txn.get(), meta, kPolicyKey).value_or("");
  sources = get(txn.get(), meta, kSourcesKey).value_or("");
  return {};
}

Generation::Generation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Generation::~Generation() = default;

Result<std::shared_ptr<const Generation>> Generation::open(const std::filesystem::path& path) {
  auto copy = load_verified(path);
  if (!copy) return fail(copy.error());
  auto state = std::make_unique<State>();
  state->path = path;
  state->copy = std::move(*copy);
  if (auto status = state->open_tables(); !status) return fail(status.error());
  if (auto status = state->read_header(); !status) return fail(status.error());
  // A read-only handle outlives the transaction that opened it only if that one commits; from here
  // on every reader begins its own.
  if (mdb_txn_commit(state->txn.release()) != 0) return state->error("cannot read");
  return std::shared_ptr<const Generation>(new Generation(std::move(state)));
}

const Header& Generation::header() const { return state_->header; }
const std::filesystem::path& Generation::path() const { return state_->path; }
std::string_view Generation::policy_json() const { return state_->policy; }
std::string_view Generation::sources_json() const { return state_->sources; }

Result<Provenance> Generation::provenance(std::uint32_t id) const {
  auto txn = state_->begin();
  if (!txn) return fail(txn.error());
  const auto text = state_->get(txn->get(), state_->provenance, provenance_key(id));
  const auto json = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
  if (!json.is_object()) return state_->error("has no provenance " + std::to_string(id));
  Provenance out;
  for (const ProvenanceField& one : kProvenanceFields) out.*one.value = field(json, one.name);
  return out;
}

std::vector<Covering> Generation::covering(const name::LookupName& name) const {
  std::vector<Covering> out;
  auto txn = state_->begin();
  if (!txn) return out;
  for (unsigned labels = 1; labels <= name.label_count; ++labels) {
    const auto value = state_->get(txn->get(), state_->entries, name.suffix(labels));
    const auto entry = value ? EntryView::decode(*value) : std::nullopt;
    for (std::size_t i = 0; entry && i < entry->record_count(); ++i) {
      const Record record = entry->record(i);
      if (!covers(record.scope, is_below(name, labels))) continue;
      out.push_back({name::from_reversed_key(name.suffix(labels)), record});
    }
  }
  return out;
}

void Generation::visit(
    const std::function<bool(std::string_view, const std::vector<Record>&)>& visitor) const {
  auto txn = state_->begin();
  MDB_cursor* raw = nullptr;
  if (!txn || mdb_cursor_open(txn->get(), state_->entries, &raw) != 0) return;
  const CursorPtr cursor(raw);
  MDB_val key{};
  MDB_val value{};
  std::vector<Record> records;
  while (mdb_cursor_get(raw, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
    const auto entry = EntryView::decode(to_view(value));
    if (!entry) continue;
    records.clear();
    for (std::size_t i = 0; i < entry->record_count(); ++i) records.push_back(entry->record(i));
    if (!visitor(to_view(key), records)) return;
  }
}

Status Generation::for_each_entry(const RawVisitor& visitor) const {
  auto txn = state_->begin();
  if (!txn) return fail(txn.error());
  MDB_cursor* raw = nullptr;
  if (mdb_cursor_open(txn->get(), state_->entries, &raw) != 0) return state_->error("cannot read");
  const CursorPtr cursor(raw);
  MDB_val key{};
  MDB_val value{};
  int code = MDB_SUCCESS;
  while ((code = mdb_cursor_get(raw, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
    visitor(to_view(key), to_view(value));
  }
  if (code == MDB_NOTFOUND) return {};
  return state_->error(std::string("cannot read: ") + mdb_strerror(code));
}

Status Generation::verify_content() const {
  auto txn = state_->begin();
  if (!txn) return fail(txn.error());
  Sha256 all;
  const auto add = [&all](Sha256& part) {
    const Sha256::Digest digest = part.finish();
    all.add({reinterpret_cast<const char*>(digest.data()), digest.size()});
  };
  for (const MDB_dbi table : {state_->entries, state_->provenance}) {
    MDB_cursor* raw = nullptr;
    if (mdb_cursor_open(txn->get(), table, &raw) != 0) return state_->error("cannot read");
    const CursorPtr cursor(raw);
    Sha256 part;
    MDB_val key{};
    MDB_val value{};
    while (mdb_cursor_get(raw, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
      part.add_field(to_view(key));
      part.add_field(to_view(value));
    }
    add(part);
  }
  for (const std::string* text : {&state_->policy, &state_->sources}) {
    Sha256 part;
    part.add(*text);
    add(part);
  }
  if (hex(all.finish()) != state_->header.content_digest) {
    return state_->error("the content does not match the digest in its header");
  }
  return {};
}

struct Cursor::State {
  const Generation::State* generation;
  TxnPtr txn;
  CursorPtr cursor;
};

Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cursor::Cursor(Cursor&&) noexcept = default;
Cursor& Cursor::operator=(Cursor&&) noexcept = default;
Cursor::~Cursor() {
  if (state_) state_->cursor.reset();  // before its transaction
}

Result<Cursor> Generation::cursor() const {
  auto txn = state_->begin();
  if (!txn) return fail(txn.error());
  MDB_cursor* raw = nullptr;
  if (mdb_cursor_open(txn->get(), state_->entries, &raw) != 0) {
    return state_->error("cannot read the entries");
  }
  return Cursor(std::make_unique<Cursor::State>(
      Cursor::State{state_.get(), std::move(*txn), CursorPtr(raw)}));
}

Answer Cursor::find(const name::LookupName& name) const {
  MDB_cursor* const cursor = state_->cursor.get();
  // Everything between a listed ancestor and the name itself shares the ancestor's key as a prefix,
  // so the predecessor of the name's own place tells how long the longest ancestor can be. Each
  // round either finds it or cuts the name to fewer labels.
  unsigned labels = name.label_count;
  while (labels > 0) {
    const std::string_view wanted = name.suffix(labels);
    MDB_val key = to_val(wanted);
    MDB_val value{};
    int code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    if (code != MDB_SUCCESS || to_view(key) != wanted) {
      const MDB_cursor_op back = code == MDB_SUCCESS ? MDB_PREV : MDB_LAST;
      code = mdb_cursor_get(cursor, &key, &value, back);
      if (code != MDB_SUCCESS) return {};
      labels = common_labels(name, to_view(key));
      if (labels == 0 || key.mv_size != name.length_of(labels)) continue;
    }
    const auto entry = EntryView::decode(to_view(value));
    if (!entry) return {};
    const Flat flat = entry->flat(is_below(name, labels));
    return {flat.categories, flat.is_protected, flat.emergency, flat.local_allow,
            static_cast<std::uint8_t>(labels)};
  }
  return {};
}

std::optional<Decider> Cursor::decider(const name::LookupName& name, std::uint8_t category) const {
  for (unsigned labels = name.label_count; labels > 0; --labels) {
    MDB_val key = to_val(name.suffix(labels));
    MDB_val value{};
    if (mdb_cursor_get(state_->cursor.get(), &key, &value, MDB_SET) != MDB_SUCCESS) continue;
    const auto entry = EntryView::decode(to_view(value));
    if (!entry) continue;
    if (const auto record = entry->deciding(is_below(name, labels), category)) {
      return Decider{static_cast<std::uint8_t>(labels), *record};
    }
  }
  return std::nullopt;
}

}  // namespace sluice::generation
