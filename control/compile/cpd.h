// CPD 1, the changes from one full list of a department to a later one: header lines `#CPD 1`,
// `#list`, `#from SEQ HASH`, `#to SEQ HASH` (hashes of the unpacked full lists), then the lines
// that go, with '-' before them, and those that come, with '+', in the order of the list, and of
// one name first those that go. docs/LISTS.md.
//
// Thread safety: one thread per reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "control/compile/cpl.h"
#include "control/compile/release.h"
#include "control/compile/zstd_lines.h"

namespace sluice::compile {

struct CpdLine {
  bool adds = false;
  std::string_view text;  // the list's line, valid until the next one is read
  CplEntry entry;
  bool is_url = false;
};

class CpdReader {
 public:
  /// Opens the changes from one list to the other, whose header must name just these two. `label`
  /// names the file in errors; the order counts are those of the two lists' orders.
  [[nodiscard]] static Result<CpdReader> open(const std::filesystem::path& path, std::string label,
                                              const ReleaseList& before, const ReleaseList& after,
                                              std::size_t orders_before, std::size_t orders_after);

  /// False at the end.
  [[nodiscard]] Result<bool> next(CpdLine& line);
  /// Of the line that was read last.
  [[nodiscard]] std::string where() const { return lines_.where(); }

 private:
  CpdReader(ZstdLines lines, std::size_t orders_before, std::size_t orders_after)
      : lines_(std::move(lines)), orders_before_(orders_before), orders_after_(orders_after) {}
  [[nodiscard]] Status read_header(const ReleaseList& before, const ReleaseList& after);

  ZstdLines lines_;
  std::size_t orders_before_;
  std::size_t orders_after_;
  std::string last_key_;
  bool last_added_ = false;
};

/// Makes the full list that the changes lead to, its header first, in pieces of whole lines. Fails
/// where a line that goes is absent, one that comes is present, or either list does not match its
/// hash: then the full list has to be fetched.
using LineSink = std::function<Status(std::string_view lines)>;
[[nodiscard]] Status apply_cpd(const std::filesystem::path& folder,
                               const std::filesystem::path& changes, const std::string& label,
                               const ReleaseList& before, const ReleaseList& after,
                               const LineSink& sink);

}  // namespace sluice::compile
