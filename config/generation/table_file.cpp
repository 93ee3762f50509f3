#include "config/generation/table_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace sluice::generation {
namespace {

// Bounds the dirty pages that LMDB keeps in memory, 4 MB or so, and searches at each put.
constexpr std::uint64_t kEntriesPerCommit = 100'000;

Status sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder =
      path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) {
    return fail("cannot sync the folder", folder.string(), "check the disk");
  }
  return {};
}

}  // namespace

void ContentHash::add_entry(std::string_view key, std::string_view value) {
  entries_.add_field(key);
  entries_.add_field(value);
}

void ContentHash::add_provenance(std::string_view key, std::string_view value) {
  provenance_.add_field(key);
  provenance_.add_field(value);
}

std::string ContentHash::finish(std::string_view policy, std::string_view sources,
                                std::string_view base_digest) {
  const auto of = [](std::string_view bytes) {
    Sha256 hash;
    hash.add(bytes);
    return hash.finish();
  };
  Sha256 all;
  all.add(base_digest);
  for (const Sha256::Digest& part :
       {entries_.finish(), provenance_.finish(), of(policy), of(sources)}) {
    all.add({reinterpret_cast<const char*>(part.data()), part.size()});
  }
  return hex(all.finish());
}

TableFile::~TableFile() {
  entry_cursor_.reset();
  txn_.reset();
  env_.reset();
  std::error_code ignored;
  if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
}

tl::unexpected<Error> TableFile::lmdb_error(int code) const {
  const char* advice = code == MDB_MAP_FULL ? "raise the map size" : "check the disk's free space";
  return fail(std::string("cannot write: ") + mdb_strerror(code), temporary_.string(), advice);
}

Result<TableFile> TableFile::create(const std::filesystem::path& path, std::uint64_t map_bytes) {
  TableFile file;
  file.path_ = path;
  const std::filesystem::path temporary = path.string() + ".tmp." + std::to_string(getpid());
  std::error_code ignored;
  std::filesystem::remove(temporary, ignored);

  MDB_env* env = nullptr;
  if (const int code = mdb_env_create(&env)) return file.lmdb_error(code);
  file.env_.reset(env);
  mdb_env_set_maxdbs(env, 3);
  mdb_env_set_mapsize(env, map_bytes);
  // Nobody else sees the file before it is sealed and renamed, so neither locks nor syncs on the
  // way are needed.
  constexpr unsigned kFlags = MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC | MDB_NOTLS;
  file.temporary_ = temporary;
  if (const int code = mdb_env_open(env, temporary.c_str(), kFlags, 0644)) {
    return fail(std::string("cannot create: ") + mdb_strerror(code), temporary.string(),
                "check that the folder exists and can be written");
  }
  if (auto status = file.begin(); !status) return fail(status.error());
  for (const auto& [name, table] :
       {std::pair{kEntriesTable, &file.entries_}, std::pair{kProvenanceTable, &file.provenance_},
        std::pair{kMetaTable, &file.meta_}}) {
    if (const int code = mdb_dbi_open(file.txn_.get(), name, MDB_CREATE, table)) {
      return file.lmdb_error(code);
    }
  }
  if (auto status = file.open_entry_cursor(); !status) return fail(status.error());
  return file;
}

Status TableFile::begin() {
  MDB_txn* raw = nullptr;
  if (const int code = mdb_txn_begin(env_.get(), nullptr, 0, &raw)) return lmdb_error(code);
  txn_.reset(raw);
  return {};
}

Status TableFile::open_entry_cursor() {
  MDB_cursor* raw = nullptr;
  if (const int code = mdb_cursor_open(txn_.get(), entries_, &raw)) return lmdb_error(code);
  entry_cursor_.reset(raw);
  return {};
}

Status TableFile::commit() {
  entry_cursor_.reset();
  if (const int code = mdb_txn_commit(txn_.release())) return lmdb_error(code);
  return {};
}

Status TableFile::put(MDB_dbi table, std::string_view key, std::string_view value, unsigned flags) {
  MDB_val k = to_val(key);
  MDB_val v = to_val(value);
  if (const int code = mdb_put(txn_.get(), table, &k, &v, flags)) return lmdb_error(code);
  return {};
}

Status TableFile::append_entry(std::string_view key, std::string_view value) {
  hash_.add_entry(key, value);
  MDB_val k = to_val(key);
  MDB_val v = to_val(value);
  if (const int code = mdb_cursor_put(entry_cursor_.get(), &k, &v, MDB_APPEND)) {
    return lmdb_error(code);
  }
  if (++entry_count_ % kEntriesPerCommit != 0) return {};
  if (auto status = commit(); !status) return status;
  if (auto status = begin(); !status) return status;
  return open_entry_cursor();
}

Status TableFile::append_provenance(std::uint32_t id, std::string_view json) {
  const std::string key = provenance_key(id);
  hash_.add_provenance(key, json);
  return put(provenance_, key, json, MDB_APPEND);
}

Status TableFile::set_policy(std::string_view json) {
  policy_ = json;
  return put(meta_, kPolicyKey, json, 0);
}

Status TableFile::set_sources(std::string_view json) {
  sources_ = json;
  return put(meta_, kSourcesKey, json, 0);
}

std::string TableFile::content_digest(std::string_view base_digest) {
  return hash_.finish(policy_, sources_, base_digest);
}

Result<std::uint64_t> TableFile::finish(std::string_view header, std::uint32_t format) {
  if (auto status = put(meta_, kHeaderKey, header, 0); !status) return fail(status.error());
  if (auto status = commit(); !status) return fail(status.error());
  env_.reset();
  if (auto status = seal(temporary_, format); !status) return fail(status.error());
  std::error_code error;
  const std::uint64_t octets = std::filesystem::file_size(temporary_, error);
  std::filesystem::rename(temporary_, path_, error);
  if (error) return fail("cannot rename: " + error.message(), temporary_.string());
  temporary_.clear();
  if (auto status = sync_folder_of(path_); !status) return fail(status.error());
  return octets;
}

}  // namespace sluice::generation
