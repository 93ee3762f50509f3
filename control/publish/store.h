// The folder of generations: "0000000042.lmdb" files and the symlink `current`, which is switched
// atomically, so that whoever opens it gets a whole generation at any instant.
//
// Thread safety: one thread per Store; readers of the folder need none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
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

  /// Verifies a finished generation as a reader would, switches `current` to it, and removes old
  /// ones beyond the number to keep, save those that a kept overlay is for. A generation that does
  /// not verify is removed. `at_hand`: as Generation::open() has it.
  [[nodiscard]] Result<std::shared_ptr<const generation::Generation>> activate(
      std::uint64_t number, const std::shared_ptr<const generation::Generation>& at_hand = nullptr);

  void set_keep(std::uint32_t keep) { keep_ = keep; }

 private:
  [[nodiscard]] std::vector<std::uint64_t> numbers() const;  // descending
  [[nodiscard]] std::optional<std::uint64_t> current_number() const;
  [[nodiscard]] Status point_to(std::uint64_t number) const;
  void prune() const;

  std::filesystem::path folder_;
  std::uint32_t keep_;
};

}  // namespace sluice::publish
