// A file of the published repository as HTTP serves it: found by its path and nothing outside the
// repository, told apart from its other versions, whole or in part.
//
// Thread safety: plain values; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/base/result.h"

namespace sluice::authority {

/// A descriptor that is closed with it.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();

  [[nodiscard]] int number() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

struct ServedFile {
  Descriptor file;
  std::uint64_t octets = 0;
  std::string etag;  // quoted, RFC 9110 section 8.8.3
  std::string_view type;
  /// The content under this name never changes: the name holds its version or its place in the log.
  bool lasting = false;
};

/// `target`: as a request has it, percent-encoding undone. nullopt where there is no such file, or
/// it is not for everybody: names that begin with a dot, and links. `busy`: there may be one, but
/// the process has no descriptor left for it.
[[nodiscard]] std::optional<ServedFile> open_served(const std::filesystem::path& repo,
                                                    std::string_view target, bool& busy);

struct Range {
  std::uint64_t from = 0;
  std::uint64_t octets = 0;
};
/// RFC 9110 section 14: what a Range field asks for of a file of so many octets. nullopt where it
/// is to be ignored: several ranges, other units, no range. `octets` is 0 where none can be served.
[[nodiscard]] std::optional<Range> parse_range(std::string_view field, std::uint64_t octets);

}  // namespace sluice::authority
