// Comma-separated tables (RFC 4180): quoted fields, either line end, a byte order mark at the
// start.
//
// Thread safety: one thread per reader.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/base/result.h"

namespace sluice::authority {

inline constexpr std::size_t kMaxCsvField = 4096;
inline constexpr std::size_t kMaxCsvFields = 64;

class CsvReader {
 public:
  /// `text` must outlive the reader; `where` names it in errors.
  CsvReader(std::string_view text, std::string where);

  /// False at the end. Empty lines are passed over.
  [[nodiscard]] Result<bool> next(std::vector<std::string>& fields);
  /// Of the row that was read last: "FILE:LINE".
  [[nodiscard]] std::string place() const { return where_ + ":" + std::to_string(row_line_); }
  [[nodiscard]] std::size_t octets_left() const { return rest_.size(); }

 private:
  [[nodiscard]] Status read_field(std::string& field, bool& last);

  std::string_view rest_;
  std::string where_;
  std::uint64_t line_ = 1;
  std::uint64_t row_line_ = 0;
};

}  // namespace sluice::authority
