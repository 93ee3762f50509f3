#include "tools/sluice-authority/csv_file.h"

namespace sluice::authority {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kAdvice = "write the table as RFC 4180 says, in UTF-8";

}  // namespace

CsvReader::CsvReader(std::string_view text, std::string where)
    : rest_(text), where_(std::move(where)) {
  if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
}

/// One field, and what ends it.
Status CsvReader::read_field(std::string& field, bool& last) {
  const bool quoted = rest_.starts_with('"');
  if (quoted) rest_.remove_prefix(1);
  bool open = quoted;
  for (;;) {
    if (field.size() > kMaxCsvField) return fail("a field is too long", place(), kAdvice);
    if (rest_.empty()) {
      last = true;
      if (open) return fail("a quoted field does not end", place(), kAdvice);
      return {};
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c == '\n') ++line_;
    if (open && c == '"') {
      // Two quotes are one that belongs to the field.
      open = rest_.starts_with('"');
      if (open) {
        rest_.remove_prefix(1);
        field.push_back('"');
      }
      continue;
    }
    if (open) {
      field.push_back(c);
      continue;
    }
    if (c == ',') return {};
    if (c == '\r' && rest_.starts_with('\n')) continue;
    if (c == '\n') {
      last = true;
      return {};
    }
    if (quoted || c == '"') return fail("a quote stands within a field", place(), kAdvice);
    field.push_back(c);
  }
}

Result<bool> CsvReader::next(std::vector<std::string>& fields) {
  for (;;) {
    fields.clear();
    if (rest_.empty()) return false;
    row_line_ = line_;
    for (bool last = false; !last;) {
      if (fields.size() == kMaxCsvFields)
        return fail("a row has too many fields", place(), kAdvice);
      fields.emplace_back();
      if (auto status = read_field(fields.back(), last); !status) return fail(status.error());
    }
    if (fields.size() > 1 || !fields[0].empty()) return true;
  }
}

}  // namespace sluice::authority
