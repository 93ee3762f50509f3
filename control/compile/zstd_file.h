// A zstd file written piece by piece, whole under its own name or not there at all.
//
// Thread safety: one thread per writer.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "config/base/result.h"

namespace sluice::compile {

class ZstdFile {
 public:
  /// Writes to a part file beside `path`. Level 1: what an appliance keeps for itself is written
  /// often, and read no slower.
  [[nodiscard]] static Result<ZstdFile> create(const std::filesystem::path& path);
  ZstdFile(ZstdFile&&) noexcept;
  ZstdFile& operator=(ZstdFile&&) noexcept;
  /// Removes what was not finished.
  ~ZstdFile();

  [[nodiscard]] Status write(std::string_view bytes);
  /// Closes the frame, syncs the file and gives it its name.
  [[nodiscard]] Status finish();

 private:
  struct State;
  explicit ZstdFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::compile
