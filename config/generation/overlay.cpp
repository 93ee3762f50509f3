#include "config/generation/overlay.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>

#include "config/name/folded_name.h"

namespace sluice::generation {
namespace {

constexpr std::size_t kNodeHeaderOctets = 8;
// Keys are compared in blocks, so that octets before the first one are read (name::is_key_of()).
constexpr std::size_t kFront = name::kKeyFront;
constexpr std::size_t kPage = 4096;
// Where room is looked for on both sides of the base: every 32 MiB, up to 2 GiB away.
constexpr std::uintptr_t kStride = std::uintptr_t{32} << 20;
constexpr std::uintptr_t kStrides = 64;

// An even length, since places are counted in units of two octets.
constexpr std::size_t node_octets(const Overlay::Entry& entry) {
  return (kNodeHeaderOctets + entry.key.size() + entry.value.size() + 1) / 2 * 2;
}

void write_node(char* at, const Overlay::Entry& entry) {
  const auto value_octets = static_cast<std::uint32_t>(entry.value.size());
  const auto key_octets = static_cast<std::uint16_t>(entry.key.size());
  std::memcpy(at, &value_octets, sizeof value_octets);
  std::memcpy(at + 6, &key_octets, sizeof key_octets);
  at += kNodeHeaderOctets;
  entry.key.copy(at, entry.key.size());
  entry.value.copy(at + entry.key.size(), entry.value.size());
}

}  // namespace

unsigned common_labels(const name::LookupName& name, std::string_view key) {
  const std::string_view own = name.view();
  const auto* const end = std::mismatch(key.begin(), key.end(), own.begin(), own.end()).first;
  const auto same = static_cast<std::size_t>(end - key.begin());
  unsigned labels = 0;
  while (labels < name.label_count && name.length_of(labels + 1) <= same) ++labels;
  return labels;
}

void Overlay::Unmap::operator()(char* memory) const { munmap(memory, octets); }

// The kernel takes an address as a wish, and gives another where that one is taken.
Overlay::Memory Overlay::map_near(const void* base, std::size_t octets) {
  const auto map = [octets](std::uintptr_t wish, int flags) {
    return mmap(reinterpret_cast<void*>(wish), octets, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  };
  const std::uintptr_t middle = reinterpret_cast<std::uintptr_t>(base) & ~(kPage - 1);
  for (std::uintptr_t stride = 1; stride <= kStrides; ++stride) {
    for (const std::uintptr_t wish : {middle - stride * kStride, middle + stride * kStride}) {
      void* const memory = map(wish, MAP_FIXED_NOREPLACE);
      if (memory == reinterpret_cast<void*>(wish)) {
        return Memory(static_cast<char*>(memory), Unmap{octets});
      }
      // A kernel that does not know the flag takes the address as a wish.
      if (memory != MAP_FAILED) munmap(memory, octets);
    }
  }
  void* const memory = map(0, 0);
  return memory == MAP_FAILED ? Memory() : Memory(static_cast<char*>(memory), Unmap{octets});
}

Result<Overlay> Overlay::copy(const std::vector<Entry>& entries, const void* base) {
  std::size_t octets = kFront;
  for (const Entry& entry : entries) {
    if (entry.key.size() > UINT16_MAX || entry.value.size() > UINT32_MAX) {
      return fail("an entry is too large");
    }
    octets += node_octets(entry);
  }
  if (octets > UINT32_MAX) return fail("the overlay is too large", std::to_string(octets));
  octets = (octets / kPage + 1) * kPage;

  Overlay overlay;
  overlay.memory_ = map_near(base, octets);
  if (!overlay.memory_) {
    return fail(std::string("cannot get memory for the overlay: ") + std::strerror(errno),
                std::to_string(octets) + " octets", "free some memory");
  }
  overlay.places_.reserve(entries.size());
  std::size_t at = kFront;
  for (const Entry& entry : entries) {
    write_node(overlay.memory_.get() + at, entry);
    overlay.places_.push_back(static_cast<std::uint32_t>(at + kNodeHeaderOctets));
    at += node_octets(entry);
  }
  // Nobody writes it from here on; who does so by mistake shall know at once.
  mprotect(overlay.memory_.get(), octets, PROT_READ);
  return overlay;
}

Overlay::Entry Overlay::operator[](std::size_t index) const {
  const char* const key = memory_.get() + places_[index];
  std::uint32_t value_octets;
  std::uint16_t key_octets;
  std::memcpy(&value_octets, key - kNodeHeaderOctets, sizeof value_octets);
  std::memcpy(&key_octets, key - sizeof key_octets, sizeof key_octets);
  return {{key, key_octets}, {key + key_octets, value_octets}};
}

std::size_t Overlay::lower_bound(std::string_view key) const {
  std::size_t from = 0;
  for (std::size_t count = places_.size(); count > 0;) {
    const std::size_t half = count / 2;
    if ((*this)[from + half].key < key) {
      from += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return from;
}

std::optional<Overlay::Entry> Overlay::find(std::string_view key) const {
  const std::size_t at = lower_bound(key);
  if (at == size()) return std::nullopt;
  const Entry entry = (*this)[at];
  return entry.key == key ? std::optional(entry) : std::nullopt;
}

// As Cursor::find() does it: what lies before the name's own place tells how long a suffix can be.
Overlay::Longest Overlay::longest(const name::LookupName& name, unsigned labels) const {
  while (labels > 0) {
    const std::string_view wanted = name.suffix(labels);
    const std::size_t at = lower_bound(wanted);
    if (at < size() && (*this)[at].key == wanted) return {labels, (*this)[at].value};
    if (at == 0) return {};
    const Entry before = (*this)[at - 1];
    labels = std::min(labels, common_labels(name, before.key));
    if (labels > 0 && before.key.size() == name.length_of(labels)) return {labels, before.value};
  }
  return {};
}

}  // namespace sluice::generation
