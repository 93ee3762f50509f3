#include "config/generation/reader.h"

#include "config/base/json.h"
#include "config/generation/codec.h"
#include "config/generation/cursor_state.h"
#include "config/generation/huge_pages.h"
#include "config/generation/lmdb.h"
#include "config/generation/seal.h"
#include "config/generation/table_file.h"

namespace sluice::generation {
namespace {

std::uint64_t number(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::optional<BaseReference> base_reference(const nlohmann::json& header) {
  const auto found = header.find("base");
  if (found == header.end() || !found->is_object()) return std::nullopt;
  return BaseReference{text_at(*found, "file"), text_at(*found, "content_sha256")};
}

}  // namespace

/// One file, and of an overlay what it shares with others.
struct Generation::State {
  std::filesystem::path path;
  Content content;
  EnvPtr env;
  TxnPtr txn;  // keeps the table handles open; used by the cold paths of one thread at a time
  MDB_dbi entries = 0;
  MDB_dbi provenance = 0;
  MDB_dbi meta = 0;
  std::uint64_t provenance_rows = 0;  // of this file
  const char* first_key = nullptr;
  Header header;
  std::string policy;
  std::string sources;
  std::shared_ptr<const Generation> base;  // null where the file is whole by itself
  Overlay overlay;

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

  /// Where the entries are that an overlay does not speak of.
  [[nodiscard]] const State& whole() const { return base ? *base->state_ : *this; }

  Status open_tables();
  Status read_header();
  Status check_base_reference() const;
  Status attach(std::shared_ptr<const Generation> to);
  [[nodiscard]] Result<TxnPtr> begin() const;
  /// Every row of one table of this file, in key order.
  template <class Visitor>
  [[nodiscard]] Status for_each_row(MDB_dbi table, Visitor&& visitor) const;
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
  mdb_env_set_mapsize(raw, content.octets);
  // Nobody writes it any more: no lock file, no reader table.
  const std::string memory = "/proc/self/fd/" + std::to_string(content.memory.get());
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
  const auto json = parse_json(*text);
  if (!json.is_object()) return error("the header is not a JSON object");
  header = {static_cast<std::uint32_t>(number(json, "format")),
            number(json, "generation"),
            number(json, "entries"),
            number(json, "records"),
            text_at(json, "created"),
            text_at(json, "content_sha256"),
            base_reference(json),
            number(json, "changed")};
  if (header.format != content.format)
    return error("the header is of another format than the seal");
  if (auto status = check_base_reference(); !status) return status;
  MDB_stat stat{};
  mdb_stat(txn.get(), entries, &stat);
  const std::uint64_t expected = header.base ? header.changed : header.entries;
  if (stat.ms_entries != expected) {
    return error("holds " + std::to_string(stat.ms_entries) + " entries where its header says " +
                 std::to_string(expected));
  }
  MDB_cursor* raw = nullptr;
  if (mdb_cursor_open(txn.get(), entries, &raw) != 0) return error("cannot read");
  const CursorPtr cursor(raw);
  MDB_val key{};
  if (mdb_cursor_get(raw, &key, nullptr, MDB_FIRST) == MDB_SUCCESS) {
    first_key = static_cast<const char*>(key.mv_data);
  }
  mdb_stat(txn.get(), provenance, &stat);
  provenance_rows = stat.ms_entries;
  policy = get(txn.get(), meta, kPolicyKey).value_or("");
  sources = get(txn.get(), meta, kSourcesKey).value_or("");
  return {};
}

Status Generation::State::check_base_reference() const {
  if (header.base.has_value() != (header.format == kOverlayFormatVersion)) {
    return error(header.base ? "names a base, which its format has not"
                             : "is an overlay that names no base");
  }
  // It becomes part of a path.
  if (header.base &&
      (header.base->file.empty() || header.base->file.find('/') != std::string::npos ||
       header.base->file.starts_with('.'))) {
    return error("names a base that is no file beside it");
  }
  return {};
}

template <class Visitor>
Status Generation::State::for_each_row(MDB_dbi table, Visitor&& visitor) const {
  auto in = begin();
  if (!in) return fail(in.error());
  MDB_cursor* raw = nullptr;
  if (mdb_cursor_open(in->get(), table, &raw) != 0) return error("cannot read");
  const CursorPtr cursor(raw);
  MDB_val key{};
  MDB_val value{};
  int code = MDB_SUCCESS;
  while ((code = mdb_cursor_get(raw, &key, &value, MDB_NEXT)) == MDB_SUCCESS) {
    visitor(to_view(key), to_view(value));
  }
  if (code == MDB_NOTFOUND) return {};
  return error(std::string("cannot read: ") + mdb_strerror(code));
}

Status Generation::State::attach(std::shared_ptr<const Generation> to) {
  std::vector<Overlay::Entry> changed;
  changed.reserve(header.changed);
  auto status = for_each_row(entries, [&](std::string_view key, std::string_view value) {
    changed.push_back({key, value});
  });
  if (!status) return status;
  auto copied = Overlay::copy(changed, to->first_key_of_base());
  if (!copied) return fail(copied.error());
  overlay = std::move(*copied);
  base = std::move(to);
  return {};
}

Generation::Generation(std::unique_ptr<State> state) : state_(std::move(state)) {}
Generation::~Generation() = default;

Result<std::unique_ptr<Generation::State>> Generation::open_file(const std::filesystem::path& path,
                                                                 Check check) {
  auto format = check == Check::none ? sealed_format(path) : Result<std::uint32_t>(0);
  if (!format) return fail(format.error());
  const bool in_place = *format == kFormatVersion;
  auto content = in_place ? open_unverified(path) : load_verified(path);
  if (!content) return fail(content.error());
  auto state = std::make_unique<State>();
  state->path = path;
  state->content = std::move(*content);
  if (auto status = state->open_tables(); !status) return fail(status.error());
  if (const auto any = state->get(state->txn.get(), state->meta, kHeaderKey); any && !in_place) {
    const Content& copy = state->content;
    auto status = move_to_huge_pages(any->data(), copy.memory.get(), copy.octets, path.string());
    if (!status) return fail(status.error());
  }
  if (auto status = state->read_header(); !status) return fail(status.error());
  // A read-only handle outlives the transaction that opened it only if that one commits; from here
  // on every reader begins its own.
  if (mdb_txn_commit(state->txn.release()) != 0) return state->error("cannot read");
  return state;
}

Result<std::shared_ptr<const Generation>> Generation::open(
    const std::filesystem::path& path, const std::shared_ptr<const Generation>& at_hand) {
  return open_with_base(path, at_hand, Check::seal);
}

Result<std::shared_ptr<const Generation>> Generation::open_in_place(
    const std::filesystem::path& path) {
  return open_with_base(path, nullptr, Check::none);
}

Result<std::shared_ptr<const Generation>> Generation::open_with_base(
    const std::filesystem::path& path, const std::shared_ptr<const Generation>& at_hand,
    Check check) {
  auto state = open_file(path, check);
  if (!state) return fail(state.error());
  if (const auto& wanted = (*state)->header.base) {
    std::shared_ptr<const Generation> base = at_hand ? at_hand->base() : nullptr;
    if (base == nullptr || base->header().content_digest != wanted->content_digest) {
      // `path` may be a link to the overlay; the base lies beside the file.
      std::error_code code;
      const auto file = std::filesystem::canonical(path, code).parent_path() / wanted->file;
      auto opened = open_file(file, check);
      if (!opened) return (*state)->error("its base cannot be used: " + opened.error().text());
      if ((*opened)->header.base) return (*state)->error("its base is an overlay itself");
      base = std::shared_ptr<const Generation>(new Generation(std::move(*opened)));
    }
    if (base->header().content_digest != wanted->content_digest) {
      return (*state)->error("its base " + base->path().string() +
                             " holds other content: " + base->header().content_digest +
                             " instead of " + wanted->content_digest);
    }
    if (auto status = (*state)->attach(std::move(base)); !status) return fail(status.error());
  }
  return std::shared_ptr<const Generation>(new Generation(std::move(*state)));
}

Result<std::optional<BaseReference>> Generation::base_of(const std::filesystem::path& path) {
  auto format = sealed_format(path);
  if (!format) return fail(format.error());
  if (*format != kOverlayFormatVersion) return std::nullopt;
  auto state = open_file(path, Check::seal);
  if (!state) return fail(state.error());
  return (*state)->header.base;
}

const Header& Generation::header() const { return state_->header; }
const std::filesystem::path& Generation::path() const { return state_->path; }
std::string_view Generation::policy_json() const { return state_->policy; }
std::string_view Generation::sources_json() const { return state_->sources; }

std::shared_ptr<const Generation> Generation::base() const {
  return state_->base ? state_->base : shared_from_this();
}

const char* Generation::first_key_of_base() const { return state_->whole().first_key; }

const Overlay* Generation::overlay() const { return state_->base ? &state_->overlay : nullptr; }

// An overlay's rows go on counting where its base's end.
Result<Provenance> Generation::provenance(std::uint32_t id) const {
  if (state_->base && id < state_->base->state_->provenance_rows) {
    return state_->base->provenance(id);
  }
  auto txn = state_->begin();
  if (!txn) return fail(txn.error());
  const auto text = state_->get(txn->get(), state_->provenance, provenance_key(id));
  const auto json = text ? parse_json(*text) : nlohmann::json();
  if (!json.is_object()) return state_->error("has no provenance " + std::to_string(id));
  Provenance out;
  for (const ProvenanceField& one : kProvenanceFields) out.*one.value = text_at(json, one.name);
  return out;
}

Result<std::vector<std::string>> Generation::provenance_rows() const {
  std::vector<std::string> rows;
  for (const State* state : {state_->base ? state_->base->state_.get() : nullptr, state_.get()}) {
    if (state == nullptr) continue;
    auto status = state->for_each_row(
        state->provenance, [&](std::string_view, std::string_view row) { rows.emplace_back(row); });
    if (!status) return fail(status.error());
  }
  return rows;
}

std::vector<Covering> Generation::covering(const name::LookupName& name) const {
  std::vector<Covering> out;
  const auto at = cursor();
  if (!at) return out;
  for (unsigned labels = 1; labels <= name.label_count; ++labels) {
    const auto value = at->value(name.suffix(labels));
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
  const auto at = cursor();
  if (!at) return;
  std::vector<Record> records;
  (void)at->walk({}, [&](std::string_view key, std::string_view value) {
    const auto entry = EntryView::decode(value);
    if (!entry) return true;
    records.clear();
    for (std::size_t i = 0; i < entry->record_count(); ++i) records.push_back(entry->record(i));
    return visitor(key, records);
  });
}

Status Generation::for_each_entry(const RawVisitor& visitor) const {
  auto at = cursor();
  if (!at) return fail(at.error());
  return at->walk({}, [&](std::string_view key, std::string_view value) {
    visitor(key, value);
    return true;
  });
}

Status Generation::verify_content() const {
  if (state_->base) {
    if (auto status = state_->base->verify_content(); !status) return status;
  }
  ContentHash hash;
  auto status = state_->for_each_row(
      state_->entries,
      [&](std::string_view key, std::string_view value) { hash.add_entry(key, value); });
  if (!status) return status;
  status = state_->for_each_row(
      state_->provenance,
      [&](std::string_view key, std::string_view value) { hash.add_provenance(key, value); });
  if (!status) return status;
  const Header& header = state_->header;
  const std::string_view base = header.base ? std::string_view(header.base->content_digest) : "";
  if (hash.finish(state_->policy, state_->sources, base) != header.content_digest) {
    return state_->error("the content does not match the digest in its header");
  }
  return {};
}

Result<Cursor> Generation::cursor() const {
  const State& whole = state_->whole();
  auto txn = whole.begin();
  if (!txn) return fail(txn.error());
  MDB_cursor* raw = nullptr;
  if (mdb_cursor_open(txn->get(), whole.entries, &raw) != 0) {
    return state_->error("cannot read the entries");
  }
  return Cursor(
      std::make_unique<Cursor::State>(Cursor::State{std::move(*txn), CursorPtr(raw), overlay()}));
}

}  // namespace sluice::generation
