#include "dataplane/eal/buffers.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_ring.h>
#include <vector>

namespace sluice::eal {
namespace {

constexpr const char* kName = "sluice_frames";
constexpr std::uint32_t kCache = 256;  // buffers that a worker keeps at hand
constexpr std::size_t kPage = std::size_t{2} << 20;

/// As rte_pktmbuf_pool_create(), which has no flags: where no device reads the buffers by
/// themselves, they need not keep off the pages' ends.
rte_mempool* make_pool(std::uint32_t count, std::uint32_t room, int socket, bool dma) {
  rte_pktmbuf_pool_private about{};
  about.mbuf_data_room_size = static_cast<std::uint16_t>(room + RTE_PKTMBUF_HEADROOM);
  rte_mempool* const pool = rte_mempool_create_empty(
      kName, count, static_cast<unsigned>(sizeof(rte_mbuf)) + about.mbuf_data_room_size, kCache,
      sizeof about, socket, dma ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (pool == nullptr) return nullptr;
  int code = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
  if (code == 0) {
    rte_pktmbuf_pool_init(pool, &about);
    code = rte_mempool_populate_default(pool);
  }
  if (code < 0) {
    rte_mempool_free(pool);
    rte_errno = -code;
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

// Of buffers that keep off the pages' ends, which take more. The pool's head and the ring of what
// is free come besides, and what the heap says of each.
std::size_t octets_of(std::uint32_t count, std::uint32_t room) {
  const std::uint32_t element =
      static_cast<std::uint32_t>(sizeof(rte_mbuf)) + room + RTE_PKTMBUF_HEADROOM;
  const std::size_t in_a_page = kPage / rte_mempool_calc_obj_size(element, 0, nullptr);
  const std::size_t pages = (count + in_a_page - 1) / in_a_page;
  const auto ring = static_cast<std::size_t>(rte_ring_get_memsize(std::bit_ceil(count + 1)));
  const std::size_t head = sizeof(rte_mempool) + RTE_MAX_LCORE * sizeof(rte_mempool_cache);
  return pages * kPage + (head + ring + 2 * kPage) / kPage * kPage;
}

/// The heap's number where a socket's would stand; -1 where DPDK would not have the memory.
int make_heap(void* memory, std::size_t octets) {
  if (rte_malloc_heap_create(kName) != 0) return -1;
  std::vector<rte_iova_t> addresses(octets / kPage);
  std::iota(addresses.begin(), addresses.end(), 0);
  for (rte_iova_t& one : addresses) one = reinterpret_cast<rte_iova_t>(memory) + one * kPage;
  if (rte_malloc_heap_memory_add(kName, memory, octets, addresses.data(),
                                 static_cast<unsigned>(addresses.size()), kPage) != 0) {
    return -1;
  }
  return rte_malloc_heap_get_socket(kName);
}

}  // namespace

Result<Buffers> make_buffers(std::uint32_t count, std::uint32_t room, std::uint64_t memory_mib,
                             bool huge_pages, bool dma) {
  Buffers buffers;
  const std::size_t octets = octets_of(count, room);
  if (!huge_pages && octets <= memory_mib << 20) {
    if (auto memory = memory::allocate_pages(octets)) {
      if (const int heap = make_heap(memory->get(), octets); heap >= 0) {
        buffers.memory = std::move(*memory);
        buffers.pool = make_pool(count, room, heap, dma);
      }
    }
  }
  if (buffers.pool == nullptr) buffers.pool = make_pool(count, room, SOCKET_ID_ANY, dma);
  if (buffers.pool != nullptr) return buffers;
  return fail("cannot make " + std::to_string(count) + " buffers of " + std::to_string(room) +
                  " octets: " + rte_strerror(rte_errno),
              "dataplane.memory_mib", "raise it");
}

}  // namespace sluice::eal
