// Writes one generation: an immutable, numbered LMDB file with a sealed trailer.
//
// Entries are appended in strictly ascending order of reversed key; the writer flattens them as
// they pass, so that each key's value holds the whole answer for the names that it matches. The
// file appears under its own name only when finish() has synced it; an abandoned writer removes
// what it wrote.
//
// Thread safety: one thread per writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/generation/format.h"

namespace sluice::generation {

struct Summary {
  std::filesystem::path path;
  std::uint64_t generation = 0;
  std::uint64_t entries = 0;   // keys
  std::uint64_t records = 0;   // listed names over all sources
  std::uint64_t bytes = 0;     // of the file
  std::string content_digest;  // SHA-256 in hex, the same for the same content
};

class Writer {
 public:
  /// `path`: the final name. `map_bytes`: upper bound of the file's size.
  [[nodiscard]] static Result<Writer> create(const std::filesystem::path& path,
                                             std::uint64_t map_bytes = std::uint64_t{16} << 30);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  /// Adds a row to the provenance table, equal rows once; the id goes into Record::provenance.
  [[nodiscard]] Result<std::uint32_t> add_provenance(const Provenance& provenance);
  /// The same of a row as provenance_json() makes it.
  [[nodiscard]] Result<std::uint32_t> add_provenance_row(const std::string& json);

  /// All records of one reversed key, at least one. Keys must ascend strictly.
  [[nodiscard]] Status append(std::string_view reversed_key, std::span<const Record> records);

  /// The policy document (policy::to_json); at most once. A generation may go without.
  [[nodiscard]] Status set_policy(std::string_view json);

  /// Free-form facts about where the content came from (list versions), as a JSON object.
  [[nodiscard]] Status set_sources(std::string_view json);

  /// Writes the header, commits, seals, syncs and renames. The writer is spent afterwards.
  /// `created`: RFC 3339 time in UTC, chosen by the caller so that a build is reproducible.
  [[nodiscard]] Result<Summary> finish(std::uint64_t generation, std::string_view created);

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A row of the provenance table.
[[nodiscard]] std::string provenance_json(const Provenance& provenance);

/// Whether the format can hold so many records at one key.
[[nodiscard]] Status check_record_count(std::string_view reversed_key, std::size_t records);

}  // namespace sluice::generation
