#include "dataplane/memory/pages.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

namespace sluice::memory {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = 2U << 20;

constexpr std::size_t round_up(std::size_t octets, std::size_t unit) {
  return (octets + unit - 1) / unit * unit;
}

void* map(std::size_t octets, int more_flags) {
  return mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more_flags, -1,
              0);
}

// On a huge page's boundary, for the kernel to give huge pages by itself.
void* map_aligned(std::size_t octets) {
  void* const all = map(octets + kHugePage, MAP_NORESERVE);
  if (all == MAP_FAILED) return all;
  const auto start = reinterpret_cast<std::uintptr_t>(all);
  const std::size_t before = round_up(start, kHugePage) - start;
  char* const memory = static_cast<char*>(all) + before;
  if (before > 0) munmap(all, before);
  munmap(memory + octets, kHugePage - before);
  return memory;
}

// Now rather than at a worker's first look. Linux before 5.14 does not know the advice.
bool populate(void* memory, std::size_t octets) {
  if (madvise(memory, octets, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false;
  std::memset(memory, 0, octets);
  return true;
}

}  // namespace

void Unmap::operator()(void* memory) const { munmap(memory, octets); }

Result<Pages> allocate_pages(std::size_t octets) {
  if (octets >= kHugePage) {
    // Reserved pages, if DPDK left enough of them; the kernel refuses at once where it did not.
    const std::size_t size = round_up(octets, kHugePage);
    if (void* memory = map(size, MAP_HUGETLB | MAP_POPULATE); memory != MAP_FAILED) {
      return Pages(memory, Unmap{size});
    }
  }
  const std::size_t size = round_up(octets, kPage);
  void* const memory = map_aligned(size);
  if (memory != MAP_FAILED) {
    Pages pages(memory, Unmap{size});
    madvise(memory, size, MADV_HUGEPAGE);  // where that fails, small pages serve
    if (populate(memory, size)) return pages;
  }
  return fail(std::string("cannot get memory: ") + std::strerror(errno),
              std::to_string(size) + " octets", "free some memory");
}

}  // namespace sluice::memory
