// Zeroed memory for large tables: in huge pages where the system has any, and touched, so that no
// worker meets a page fault in it.
//
// Thread safety: plain memory; freed by its one owner.
#pragma once

#include <cstddef>
#include <memory>

#include "config/base/result.h"

namespace sluice::memory {

struct Unmap {
  std::size_t octets = 0;
  void operator()(void* memory) const;
};
using Pages = std::unique_ptr<void, Unmap>;

/// At least `octets` (not 0), aligned to a page.
[[nodiscard]] Result<Pages> allocate_pages(std::size_t octets);

}  // namespace sluice::memory
