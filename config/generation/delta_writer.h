// Writes a generation as changes to another one.
//
// Where little changes, what comes out is an overlay: a small file with the entries that differ
// from those of the base, bound to it by its content digest. The generation that is changed may be
// an overlay itself: the new one is for the same base, and holds the older changes too, so that no
// more than two files ever belong together. Where much changes, a whole generation is written.
//
// An entry's value holds what its listed parents say. So a change at one name changes the entries
// below it, and all of those are in the overlay.
//
// Thread safety: one thread per writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/generation/reader.h"
#include "config/generation/writer.h"

namespace sluice::generation {

/// An overlay of more entries would no longer be a small matter to write, load and keep.
inline constexpr std::uint64_t kMaxOverlayEntries = 100'000;

struct DeltaSummary : Summary {
  bool is_overlay = false;
  std::uint64_t changed = 0;  // entries of the overlay; 0 in a whole generation
};

class DeltaWriter {
 public:
  [[nodiscard]] static Result<DeltaWriter> create(std::shared_ptr<const Generation> from);
  DeltaWriter(DeltaWriter&&) noexcept;
  DeltaWriter& operator=(DeltaWriter&&) noexcept;
  ~DeltaWriter();

  /// The id of a provenance row, an old one where there is an equal one.
  [[nodiscard]] Result<std::uint32_t> add_provenance(const Provenance& provenance);

  /// What stands at a key in the generation that is changed; nothing where it is not listed.
  [[nodiscard]] std::vector<Record> records(std::string_view reversed_key) const;

  /// All records of a key from now on; none: it is no longer listed. Keys must ascend strictly.
  [[nodiscard]] Status change(std::string_view reversed_key, std::span<const Record> records);

  /// From keys that nothing is said of, leaves out the records that this is true of; a whole
  /// generation is written then. For more than an overlay may change.
  void leave_out(std::function<bool(const Record&)> which);

  /// The former ones stay where these are not called. Empty: the generation carries none.
  void set_policy(std::string_view json);
  void set_sources(std::string_view json);

  /// Writes to `path`; an overlay if it has at most `max_changed` entries, where that is given. An
  /// overlay has to stay in the folder of its base, so in another folder a whole generation is
  /// written. `created` as Writer::finish() has it. The writer is spent afterwards.
  [[nodiscard]] Result<DeltaSummary> finish(
      const std::filesystem::path& path, std::uint64_t generation, std::string_view created,
      std::optional<std::uint64_t> max_changed = kMaxOverlayEntries);

 private:
  struct State;
  explicit DeltaWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::generation
