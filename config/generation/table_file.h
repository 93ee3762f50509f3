// The LMDB file of a generation while it is written: three tables, appended to in key order, and
// the digest of what goes into them. Writer and DeltaWriter decide what that is.
//
// The file appears under its own name only when finish() has synced it; an abandoned one is
// removed.
//
// Thread safety: one thread per file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/generation/lmdb.h"
#include "config/generation/seal.h"

namespace sluice::generation {

/// docs/GENERATION.md "Content digest". Entries and provenance rows each in their own order.
class ContentHash {
 public:
  void add_entry(std::string_view key, std::string_view value);
  void add_provenance(std::string_view key, std::string_view value);
  /// `base_digest`: of the generation that an overlay is for, else empty. In hex; call it once.
  [[nodiscard]] std::string finish(std::string_view policy, std::string_view sources,
                                   std::string_view base_digest);

 private:
  Sha256 entries_;
  Sha256 provenance_;
};

class TableFile {
 public:
  /// `path`: the final name. `map_bytes`: upper bound of the file's size.
  [[nodiscard]] static Result<TableFile> create(const std::filesystem::path& path,
                                                std::uint64_t map_bytes);
  TableFile(TableFile&&) noexcept = default;
  TableFile& operator=(TableFile&&) = delete;
  ~TableFile();

  [[nodiscard]] Status append_entry(std::string_view key, std::string_view value);
  [[nodiscard]] Status append_provenance(std::uint32_t id, std::string_view json);
  [[nodiscard]] Status set_policy(std::string_view json);
  [[nodiscard]] Status set_sources(std::string_view json);

  [[nodiscard]] std::string content_digest(std::string_view base_digest);

  /// Commits, seals, syncs and renames; returns the file's octets. The file is spent afterwards.
  [[nodiscard]] Result<std::uint64_t> finish(std::string_view header, std::uint32_t format);

 private:
  TableFile() = default;
  [[nodiscard]] tl::unexpected<Error> lmdb_error(int code) const;
  [[nodiscard]] Status begin();
  [[nodiscard]] Status open_entry_cursor();
  [[nodiscard]] Status commit();
  [[nodiscard]] Status put(MDB_dbi table, std::string_view key, std::string_view value,
                           unsigned flags);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  EnvPtr env_;
  TxnPtr txn_;
  CursorPtr entry_cursor_;  // at the end of `entries`, of this transaction
  MDB_dbi entries_ = 0;
  MDB_dbi provenance_ = 0;
  MDB_dbi meta_ = 0;
  std::uint64_t entry_count_ = 0;
  ContentHash hash_;
  std::string policy_;
  std::string sources_;
};

}  // namespace sluice::generation
