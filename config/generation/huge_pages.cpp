#include "config/generation/huge_pages.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace sluice::generation {
namespace {

constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;

// LMDB does not tell where it maps a file. nullptr where it cannot be found.
char* start_of_mapping(const void* inside) {
  const auto at = reinterpret_cast<std::uintptr_t>(inside);
  std::ifstream maps("/proc/self/maps");  // proc(5): "start-end perms offset ..." in hexadecimal
  for (std::string line; std::getline(maps, line);) {
    char* rest = nullptr;
    const std::uintptr_t start = std::strtoull(line.c_str(), &rest, 16);
    if (*rest != '-' || at < start || at >= std::strtoull(rest + 1, &rest, 16)) continue;
    constexpr std::size_t kPermissions = 6;  // " r--s "
    const bool whole = std::strtoull(rest + kPermissions, nullptr, 16) == 0;
    return whole ? reinterpret_cast<char*>(start) : nullptr;
  }
  return nullptr;
}

struct Unmap {
  std::size_t octets = 0;
  void operator()(char* memory) const { munmap(memory, octets); }
};

/// Room that huge pages fit into as they will at `place`.
std::unique_ptr<char, Unmap> map_like(const char* place, std::size_t octets) {
  void* const all = mmap(nullptr, octets + kHugePage, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return {};
  char* const start = static_cast<char*>(all);
  const std::size_t before =
      (reinterpret_cast<std::uintptr_t>(place) - reinterpret_cast<std::uintptr_t>(start)) %
      kHugePage;
  if (before > 0) munmap(start, before);
  munmap(start + before + octets, kHugePage - before);
  return {start + before, Unmap{octets}};
}

bool read_all(int fd, char* out, std::size_t octets, std::uint64_t from) {
  while (octets > 0) {
    const ssize_t n = pread(fd, out, octets, static_cast<off_t>(from));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out += n;
    from += static_cast<std::uint64_t>(n);
    octets -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Status move_to_huge_pages(const void* inside, int memory, std::uint64_t octets,
                          const std::string& where) {
  const auto no_memory = [&] {
    return fail(std::string("cannot copy into memory: ") + std::strerror(errno), where,
                "free some memory");
  };
  if (octets < kHugePage) return {};
  char* const place = start_of_mapping(inside);
  if (place == nullptr) return {};
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  auto room = map_like(place, (octets + page - 1) / page * page);
  // What is there serves as well, if more slowly. It is empty from the first piece on.
  if (!room) return {};
  madvise(room.get(), octets, MADV_HUGEPAGE);  // where that fails, small pages serve
  // Piece by piece, so that memory is not needed twice.
  for (std::uint64_t at = 0; at < octets; at += kHugePage) {
    const std::uint64_t size = std::min(octets - at, kHugePage);
    if (!read_all(memory, room.get() + at, size, at)) return no_memory();
    fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
              static_cast<off_t>(size));
  }
  const std::size_t mapped = room.get_deleter().octets;
  mprotect(room.get(), mapped, PROT_READ);
  if (mremap(room.get(), mapped, mapped, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
    return no_memory();
  }
  (void)room.release();  // the environment's now, which unmaps it
  return {};
}

}  // namespace sluice::generation
