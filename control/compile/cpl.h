// CPL 1, the full list of one department: header lines, then "name TAB match TAB order", strictly
// ascending by reversed labels, so that the check of the order is the check that no name is there
// twice, and the loader appends without sorting. Formats: docs/LISTS.md.
//
// Thread safety: one thread per reader.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/base/result.h"
#include "config/generation/format.h"
#include "config/name/name.h"
#include "control/compile/release.h"
#include "control/compile/zstd_lines.h"

namespace sluice::compile {

// Bounds of an unpacked list: its header, and a line, the longest of which is a URL's.
inline constexpr std::size_t kListHeaderLines = 4;
inline constexpr std::uint64_t kMaxListHeader = 4096;
inline constexpr std::size_t kMaxListLine = 640;

struct CplEntry {
  name::LookupName name;
  generation::Scope scope = generation::Scope::tree;
  std::uint32_t order = 0;  // line of orders.jsonl, from 0
};

/// What is wrong with a line, and at which column, from 1; 0: with the line as a whole.
struct LineFault {
  std::string what;
  std::size_t column = 0;
};
/// One entry without its LF, of a list that has so many orders. `is_url`: it lists a URL, and
/// `entry` tells its host.
[[nodiscard]] std::optional<LineFault> parse_cpl_line(std::string_view line,
                                                      std::size_t order_count, CplEntry& entry,
                                                      bool& is_url);

class CplReader {
 public:
  /// Opens a retained list and checks its header against the signed facts.
  [[nodiscard]] static Result<CplReader> open(const ReleaseList& list,
                                              const std::filesystem::path& folder,
                                              std::size_t order_count);

  /// False at the end, once the entry count and the content hash have been found right. Entries
  /// that list a URL are skipped and counted: a name filter cannot judge them.
  [[nodiscard]] Result<bool> next(CplEntry& entry);

  [[nodiscard]] std::uint64_t skipped_urls() const { return urls_; }

 private:
  CplReader(ZstdLines lines, const ReleaseList& list, std::size_t order_count);

  [[nodiscard]] tl::unexpected<Error> refuse(std::string what, std::size_t column = 0) const;
  [[nodiscard]] Status read_header();
  [[nodiscard]] Status finish();

  ZstdLines lines_;
  std::string department_;
  std::string content_sha256_;
  std::string path_;
  std::uint64_t seq_;
  std::uint64_t expected_;
  std::size_t order_count_;
  std::uint64_t read_ = 0;
  std::uint64_t urls_ = 0;
  std::string last_key_;
  bool last_was_url_ = false;
};

/// "tree", "exact", "subs" and back.
[[nodiscard]] std::string_view match_text(generation::Scope scope);

}  // namespace sluice::compile
