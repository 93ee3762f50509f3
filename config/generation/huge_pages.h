// Moves a generation that was opened from a memory file into the process's own memory, for which
// the kernel gives huge pages wherever it knows them; for memory files it does so only where
// shmem_enabled allows. Entries lie all over a generation, so that with small pages nearly each
// that is read costs a miss of the TLB.
//
// Thread safety: before the environment is handed on.
#pragma once

#include <cstdint>
#include <string>

#include "config/base/result.h"

namespace sluice::generation {

/// The mapping of `octets` of `memory` that `inside` points into is replaced, at its place, by
/// private memory of the same content, and the memory file emptied. It stays as it is where it is
/// too small for a huge page, and where there is no room for another of its size. After an error the
/// mapping is of no use any more. `where` names the file in it.
[[nodiscard]] Status move_to_huge_pages(const void* inside, int memory, std::uint64_t octets,
                                        const std::string& where);

}  // namespace sluice::generation
