// What tools print may hold what others wrote: a mirror's answer in an error, an order's reference.
// A terminal takes control characters in it for commands.
//
// Thread safety: a PlainOutput is made before other threads print, and ends after them; that of the
// streams is as it was.
#pragma once

#include <array>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace sluice {

/// With '?' for control characters, but for those that are kept.
[[nodiscard]] std::string plain_text(std::string_view text, std::string_view kept = {});

/// While it lives, std::cout and std::cerr print '?' for control characters, but for tabs and ends
/// of lines.
class PlainOutput {
 public:
  PlainOutput();
  PlainOutput(const PlainOutput&) = delete;
  PlainOutput& operator=(const PlainOutput&) = delete;
  ~PlainOutput();

 private:
  class Buffer;
  struct Stream {
    std::ostream* stream = nullptr;
    std::unique_ptr<Buffer> buffer;
  };
  std::array<Stream, 2> streams_;
};

}  // namespace sluice
