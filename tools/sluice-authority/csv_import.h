// Tables of names with their authorities: one name a row, each with its own notice.
//
// Thread safety: free functions; one process works in a folder at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/base/result.h"
#include "control/compile/plain_list.h"
#include "tools/sluice-authority/draft.h"
#include "tools/sluice-authority/workspace.h"

namespace sluice::authority {

struct CsvReport {
  compile::PlainReport rows;
  std::map<std::string, Change> departments;
};

/// Reads tables whose first row names the columns: name, category, order, and perhaps match,
/// authority, legal_basis, issued, effective, expires, review_by, appeal_url. `defaults` stand
/// where a field is empty or its column is missing. A row that cannot be listed is rejected by its
/// reason, and the others are listed; a table that is none changes nothing.
[[nodiscard]] Result<CsvReport> import_csv(const Workspace& workspace,
                                           const std::vector<std::filesystem::path>& files,
                                           const OrderFields& defaults, const std::string& match);

}  // namespace sluice::authority
