// The buffers that frames are received into. A buffer is looked at in a few lines of memory, far
// from those of the next, so that with small pages each costs a miss of the TLB: they lie in huge
// pages where the system has reserved some, and else in memory that the kernel is asked to give
// such pages for (DPDK's external memory).
//
// Thread safety: by the main thread.
#pragma once

#include <cstdint>
#include <rte_mempool.h>

#include "config/base/result.h"
#include "dataplane/memory/pages.h"

namespace sluice::eal {

struct Buffers {
  rte_mempool* pool = nullptr;  // EAL's
  memory::Pages memory;         // has to outlive EAL; none where EAL's own serves
};

/// `count` buffers with room for frames of `room` octets. They take `memory_mib` at most. `dma`:
/// devices read and write them by themselves. Otherwise they lie one behind the other.
[[nodiscard]] Result<Buffers> make_buffers(std::uint32_t count, std::uint32_t room,
                                           std::uint64_t memory_mib, bool huge_pages, bool dma);

}  // namespace sluice::eal
