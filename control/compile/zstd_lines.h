// Lines of a zstd file, decompressed piece by piece: memory is bounded by the window (128 MiB at
// most), whatever the file claims to hold.
//
// Thread safety: one thread per reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"

namespace sluice::compile {

inline constexpr int kMaxWindowLog = 27;

class ZstdLines {
 public:
  /// Which octets are hashed: of what is unpacked, or, several times faster, of the file.
  enum class Hashed : std::uint8_t { content, packed };

  /// `max_octets` bounds the unpacked size, `max_line` one line. `label` names the file in errors.
  [[nodiscard]] static Result<ZstdLines> open(const std::filesystem::path& path, std::string label,
                                              std::uint64_t max_octets, std::size_t max_line,
                                              Hashed hashed = Hashed::content);
  ZstdLines(ZstdLines&&) noexcept;
  ZstdLines& operator=(ZstdLines&&) noexcept;
  ~ZstdLines();

  /// The next line without its LF, valid until the next call; nullopt at a proper end. A last line
  /// without LF and a file that stops inside a frame are errors.
  [[nodiscard]] Result<std::optional<std::string_view>> next();

  /// Of the line that next() returned last, from 1.
  [[nodiscard]] std::uint64_t line() const;
  /// "lists/police/full.cpl.zst:12", or with a column from 1.
  [[nodiscard]] std::string where(std::size_t column = 0) const;

  /// SHA-256 of all that was unpacked; call once, after next() has returned nullopt.
  [[nodiscard]] std::string content_sha256();
  /// The same of the file, of what was opened so.
  [[nodiscard]] std::string packed_sha256();

 private:
  struct State;
  explicit ZstdLines(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One zstd frame, level 3, with its content size and checksum.
[[nodiscard]] Result<std::string> zstd_pack(std::string_view bytes);

}  // namespace sluice::compile
