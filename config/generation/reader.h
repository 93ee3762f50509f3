// Reads one generation. open() copies the file into anonymous memory while it checks the seal, so
// that what was verified is what is read: no later damage to the disk, and no truncation of the
// file, can reach the process that uses it.
//
// An overlay is opened together with its base, and what both say together is what a Generation
// tells: whoever reads one need not know that there are two files.
//
// Thread safety: an open Generation is immutable and may be shared. A Cursor belongs to one
// thread at a time; each lcore has its own. Cursor look-ups neither allocate nor lock.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "config/generation/overlay.h"
#include "config/name/name.h"

namespace sluice::generation {

/// Which generation an overlay changes.
struct BaseReference {
  std::string file;            // its name, in the overlay's own folder
  std::string content_digest;  // that it must have
};

struct Header {
  std::uint32_t format = 0;
  std::uint64_t generation = 0;
  std::uint64_t entries = 0;  // of an overlay: with those of its base that stand
  std::uint64_t records = 0;
  std::string created;
  std::string content_digest;
  std::optional<BaseReference> base;
  std::uint64_t changed = 0;  // entries of the overlay itself
};

/// One record that covers a name, with the listed name it stands at.
struct Covering {
  std::string listed_name;
  Record record;
};

class Cursor;

class Generation : public std::enable_shared_from_this<Generation> {
 public:
  /// Refuses a file that is cut, damaged, of another format, or no generation at all, and an
  /// overlay whose base is missing or another; the error says which. `at_hand`: a generation that
  /// is open already; if it has the base that is asked for, the base is not read again.
  [[nodiscard]] static Result<std::shared_ptr<const Generation>> open(
      const std::filesystem::path& path,
      const std::shared_ptr<const Generation>& at_hand = nullptr);

  /// The same of a file that is whole by itself, or of an overlay's base, where it lies, without
  /// reading all of it: for a process that asks little and ends, and a file that was verified since
  /// it was written. Damage since then may end the process or give wrong answers.
  [[nodiscard]] static Result<std::shared_ptr<const Generation>> open_in_place(
      const std::filesystem::path& path);
  ~Generation();

  /// What an overlay says its base is, which may be gone; nullopt of a file that is whole by
  /// itself. Of such a file no more than the trailer is read.
  [[nodiscard]] static Result<std::optional<BaseReference>> base_of(
      const std::filesystem::path& path);

  [[nodiscard]] const Header& header() const;
  [[nodiscard]] const std::filesystem::path& path() const;
  /// Empty when the generation carries none.
  [[nodiscard]] std::string_view policy_json() const;
  [[nodiscard]] std::string_view sources_json() const;
  [[nodiscard]] Result<Provenance> provenance(std::uint32_t id) const;
  /// Every row as JSON, in the order of the ids, which count from 0.
  [[nodiscard]] Result<std::vector<std::string>> provenance_rows() const;

  /// Of an overlay, the generation that it changes; else the generation itself. Two generations of
  /// one base share the memory of its entries.
  [[nodiscard]] std::shared_ptr<const Generation> base() const;
  /// What differs from the base; nullptr where the generation is whole by itself.
  [[nodiscard]] const Overlay* overlay() const;

  /// All records that cover a name, from the least to the most specific.
  [[nodiscard]] std::vector<Covering> covering(const name::LookupName& name) const;

  /// Every entry in key order; stops when the visitor returns false.
  void visit(
      const std::function<bool(std::string_view key, const std::vector<Record>&)>& visitor) const;

  /// Every entry in key order, as it lies in memory: key and value stay where they are, unchanged,
  /// for as long as the generation lives.
  using RawVisitor = std::function<void(std::string_view key, std::string_view value)>;
  [[nodiscard]] Status for_each_entry(const RawVisitor& visitor) const;

  /// The base's first key, from which the places of entries can be counted; nullptr where the base
  /// is empty.
  [[nodiscard]] const char* first_key_of_base() const;

  /// Recomputes the content digests, that of the base too, and compares them with the headers.
  [[nodiscard]] Status verify_content() const;

  [[nodiscard]] Result<Cursor> cursor() const;

 private:
  friend class Cursor;
  struct State;
  explicit Generation(std::unique_ptr<State> state);
  enum class Check { seal, none };
  static Result<std::shared_ptr<const Generation>> open_with_base(
      const std::filesystem::path& path, const std::shared_ptr<const Generation>& at_hand,
      Check check);
  /// One file, without the base that it may need. An overlay is always checked.
  static Result<std::unique_ptr<State>> open_file(const std::filesystem::path& path, Check check);
  std::unique_ptr<State> state_;
};

/// The record that decided a category for a name, found by decider().
struct Decider {
  std::uint8_t labels = 0;  // of the listed name, counted from the right
  Record record;
};

/// A read transaction on a generation, which must outlive it.
class Cursor {
 public:
  Cursor(Cursor&&) noexcept;
  Cursor& operator=(Cursor&&) noexcept;
  ~Cursor();

  /// A listed key and its value, where they lie in memory; nullopt where it is not listed.
  [[nodiscard]] std::optional<Overlay::Entry> entry(std::string_view key) const;
  [[nodiscard]] std::optional<std::string_view> value(std::string_view key) const;

  /// Every entry from `first` on in key order; stops when the visitor returns false.
  using WalkVisitor = std::function<bool(std::string_view key, std::string_view value)>;
  [[nodiscard]] Status walk(std::string_view first, const WalkVisitor& visitor) const;

  /// The flattened answer of the longest listed suffix of a name.
  [[nodiscard]] Answer find(const name::LookupName& name) const;

  /// The most specific block record of `category` that covers a name; where category is 0, the most
  /// specific record of any kind.
  [[nodiscard]] std::optional<Decider> decider(const name::LookupName& name,
                                               std::uint8_t category) const;

 private:
  friend class Generation;
  struct State;
  [[nodiscard]] Overlay::Longest longest_of_base(const name::LookupName& name,
                                                 unsigned labels) const;
  explicit Cursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::generation
