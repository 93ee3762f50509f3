// The folder of generations: "0000000042.lmdb" files and the symlink `current`, which is switched
// atomically, so that whoever opens it gets a whole generation at any instant.
//
// Thread safety: one thread per Store; readers of the folder need none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "config/generation/reader.h"

namespace sluice::publish {

class Store {
 public:
  Store(std::filesystem::path folder, std::uint32_t keep);

  struct Recovered {
    std::shared_ptr<const generation::Generation> current;  // null: there is no good one
    std::vector<std::string> repairs;  // what was found broken, and what was done about it
  };
  /// Makes the folder startable after a crash: removes what interrupted writers left, and where
  /// `current` is missing or bad, points it at the newest generation that is sound.
  [[nodiscard]] Result<Recovered> recover();

  /// One more than any number in the folder.
  [[nodiscard]] std::uint64_t next_number() const;
  [[nodiscard]] std::filesystem::path path_of(std::uint64_t number) const;
  [[nodiscard]] std::filesystem::path current_link() const { return folder_ / "current"; }

  using Shared = std::shared_ptr<const generation::Generation>;
  /// Verifies a generation of this folder as a reader would. `at_hand`: as Generation::open() has
  /// it.
  [[nodiscard]] Result<Shared> open(std::uint64_t number, const Shared& at_hand = nullptr) const;

  /// Switches `current` to a generation that was verified, and removes nothing.
  [[nodiscard]] Status point_to(std::uint64_t number) const;

  /// Removes old generations beyond the number to keep, save pinned ones, and those that a kept
  /// overlay is for.
  void prune(const std::set<std::uint64_t>& pinned = {}) const;

  /// All three; a generation that does not verify is removed.
  [[nodiscard]] Result<Shared> activate(std::uint64_t number, const Shared& at_hand = nullptr);

  /// Removes one that is not to be.
  void discard(std::uint64_t number) const;

  void set_keep(std::uint32_t keep) { keep_ = keep; }
  [[nodiscard]] std::vector<std::uint64_t> numbers() const;  // descending

 private:
  [[nodiscard]] std::optional<std::uint64_t> current_number() const;

  std::filesystem::path folder_;
  std::uint32_t keep_;
};

}  // namespace sluice::publish
