// Preloaded into a program: counts what chosen threads allocate and lock, and tells who called
// last. The chosen threads and the counts are in a file that the test shares, HOT_PROBE; its layout
// is here and in steady.py.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr std::size_t kThreads = 8;

struct Shared {
  std::atomic<std::uint32_t> armed;
  std::atomic<std::int32_t> threads[kThreads];
  std::atomic<std::uint64_t> allocations;
  std::atomic<std::uint64_t> locks;
  char first[2048];  // who called, a line a frame: "object+offset symbol"
};

Shared* shared = nullptr;
// The other model may allocate when a thread first reads it.
[[gnu::tls_model("initial-exec")]] thread_local bool within = false;

[[gnu::constructor]] void map_shared() {
  const char* path = std::getenv("HOT_PROBE");
  const int file = path == nullptr ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* at = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (at != MAP_FAILED) shared = static_cast<Shared*>(at);
}

bool is_watched() {
  if (shared == nullptr || within || shared->armed.load(std::memory_order_relaxed) == 0) {
    return false;
  }
  const std::int32_t self = gettid();
  for (const auto& thread : shared->threads) {
    if (thread.load(std::memory_order_relaxed) == self) return true;
  }
  return false;
}

/// Slow, so only of the first one.
void tell_callers() {
  void* frames[16];
  const int depth = backtrace(frames, 16);
  std::size_t used = 0;
  for (int i = 0; i < depth; ++i) {
    Dl_info info{};
    if (dladdr(frames[i], &info) == 0 || info.dli_fname == nullptr) continue;
    const auto offset = reinterpret_cast<std::uintptr_t>(frames[i]) -
                        reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    const int written =
        std::snprintf(shared->first + used, sizeof shared->first - used, "%s+0x%zx %s\n",
                      info.dli_fname, offset, info.dli_sname == nullptr ? "" : info.dli_sname);
    used = std::min(used + static_cast<std::size_t>(written), sizeof shared->first - 1);
  }
}

void count(std::atomic<std::uint64_t>& what) {
  const bool first = shared->allocations + shared->locks == 0;
  what.fetch_add(1, std::memory_order_relaxed);
  if (!first) return;
  within = true;  // these allocate and lock themselves
  tell_callers();
  within = false;
}

// dlsym() itself allocates while `real` is not known yet: it then gets from here, for good.
alignas(16) char early[16384];
std::size_t early_used = 0;
bool is_early(const void* at) { return at >= early && at < early + sizeof early; }
void* early_allocate(std::size_t octets) {
  void* at = early + early_used;
  early_used += (octets + 15) / 16 * 16;
  return early_used <= sizeof early ? at : nullptr;
}

}  // namespace

#define SLUICE_NEXT(name)                                             \
  static bool looking = false;                                        \
  static decltype(&(name)) real = nullptr;                            \
  if (real == nullptr && !looking) {                                  \
    looking = true;                                                   \
    real = reinterpret_cast<decltype(real)>(dlsym(RTLD_NEXT, #name)); \
  }
#define SLUICE_COUNT(what) \
  if (is_watched()) count(shared->what)

extern "C" {

void* malloc(std::size_t octets) {
  SLUICE_NEXT(malloc)
  if (real == nullptr) return early_allocate(octets);
  SLUICE_COUNT(allocations);
  return real(octets);
}

void* calloc(std::size_t count_of, std::size_t octets) {
  SLUICE_NEXT(calloc)
  if (real == nullptr) return early_allocate(count_of * octets);
  SLUICE_COUNT(allocations);
  return real(count_of, octets);
}

void* realloc(void* old, std::size_t octets) {
  SLUICE_NEXT(realloc)
  SLUICE_COUNT(allocations);
  return real(old, octets);
}

void free(void* at) {
  SLUICE_NEXT(free)
  if (at == nullptr || is_early(at)) return;
  SLUICE_COUNT(allocations);
  real(at);
}

int posix_memalign(void** out, std::size_t alignment, std::size_t octets) {
  SLUICE_NEXT(posix_memalign)
  SLUICE_COUNT(allocations);
  return real(out, alignment, octets);
}

void* aligned_alloc(std::size_t alignment, std::size_t octets) {
  SLUICE_NEXT(aligned_alloc)
  SLUICE_COUNT(allocations);
  return real(alignment, octets);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  SLUICE_NEXT(pthread_mutex_lock)
  SLUICE_COUNT(locks);
  return real(mutex);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) {
  SLUICE_NEXT(pthread_mutex_trylock)
  SLUICE_COUNT(locks);
  return real(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  SLUICE_NEXT(pthread_rwlock_rdlock)
  SLUICE_COUNT(locks);
  return real(lock);
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  SLUICE_NEXT(pthread_rwlock_wrlock)
  SLUICE_COUNT(locks);
  return real(lock);
}

int pthread_spin_lock(pthread_spinlock_t* lock) {
  SLUICE_NEXT(pthread_spin_lock)
  SLUICE_COUNT(locks);
  return real(lock);
}

int pthread_cond_signal(pthread_cond_t* condition) {
  SLUICE_NEXT(pthread_cond_signal)
  SLUICE_COUNT(locks);
  return real(condition);
}

}  // extern "C"
