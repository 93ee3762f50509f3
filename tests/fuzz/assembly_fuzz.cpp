// Any octets as writes, consumptions and copies of two assemblies: each holds what a map of octets
// holds that was told the same.
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/flow/assembly.h"
#include "tests/fuzz/expect.h"
#include "tests/fuzz/input.h"

namespace sluice::fuzz {
namespace {

constexpr std::size_t kSmall = 128;
constexpr std::size_t kLarge = 320;

class Reference {
 public:
  explicit Reference(std::size_t capacity) : octets_(capacity) {}

  flow::Written write(std::size_t offset, std::span<const std::uint8_t> piece) {
    flow::Written written = flow::Written::stored;
    for (std::size_t i = 0; i < piece.size(); ++i) {
      if (offset + i >= octets_.size()) {
        overflowed = true;
        break;
      }
      auto& octet = octets_[offset + i];
      if (octet && *octet != piece[i]) written = flow::Written::conflict;
      if (!octet) octet = piece[i];
    }
    return written;
  }
  void replace(std::size_t offset, std::span<const std::uint8_t> piece) {
    for (std::size_t i = 0; i < piece.size(); ++i) {
      if (offset + i >= octets_.size()) {
        overflowed = true;
        break;
      }
      octets_[offset + i] = piece[i];
    }
  }
  [[nodiscard]] bool operator==(const Reference& other) const {
    const std::size_t octets = std::min(octets_.size(), other.octets_.size());
    return end() <= octets && other.end() <= octets &&
           std::equal(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(octets),
                      other.octets_.begin());
  }
  void consume(std::size_t octets) {
    octets = std::min(octets, octets_.size());
    octets_.erase(octets_.begin(), octets_.begin() + static_cast<std::ptrdiff_t>(octets));
    octets_.resize(octets_.size() + octets);
  }
  void copy_from(const Reference& other) {
    std::fill(octets_.begin(), octets_.end(), std::nullopt);
    std::copy(other.octets_.begin(), other.octets_.end(), octets_.begin());
  }
  void clear() {
    std::fill(octets_.begin(), octets_.end(), std::nullopt);
    overflowed = false;
  }
  [[nodiscard]] std::size_t contiguous() const {
    std::size_t at = 0;
    while (at < octets_.size() && octets_[at]) ++at;
    return at;
  }
  [[nodiscard]] std::size_t end() const {
    std::size_t end = octets_.size();
    while (end > 0 && !octets_[end - 1]) --end;
    return end;
  }
  [[nodiscard]] std::uint8_t operator[](std::size_t at) const { return octets_[at].value(); }

  bool overflowed = false;

 private:
  std::vector<std::optional<std::uint8_t>> octets_;
};

void compare(const flow::Assembly& assembly, const Reference& reference) {
  const auto contiguous = assembly.contiguous();
  SLUICE_EXPECT(contiguous.size() == reference.contiguous());
  SLUICE_EXPECT(assembly.end() == reference.end());
  SLUICE_EXPECT(assembly.empty() == (reference.end() == 0));
  SLUICE_EXPECT(assembly.overflowed() == reference.overflowed);
  for (std::size_t i = 0; i < contiguous.size(); ++i) SLUICE_EXPECT(contiguous[i] == reference[i]);
}

template <std::size_t N>
std::unique_ptr<flow::AssemblyStorage<N>> make_storage(std::uint8_t fill) {
  auto storage = std::make_unique<flow::AssemblyStorage<N>>();
  std::fill_n(storage->have, N / 64, fill * 0x0101010101010101U);
  std::fill_n(storage->bytes, N, fill);
  return storage;
}

void step(Input& input, flow::Assembly& assembly, Reference& reference) {
  const std::uint8_t what = input.next8();
  switch (what % 8) {
    case 0: {
      const std::uint16_t offset = input.next16() % (kLarge + 16);
      const auto piece = input.take(input.next8());
      SLUICE_EXPECT(assembly.conflicts(offset, piece) ==
                    (Reference(reference).write(offset, piece) == flow::Written::conflict));
      assembly.replace(offset, piece);
      return reference.replace(offset, piece);
    }
    case 1: {
      const std::uint16_t octets = input.next16() % (kLarge + 64);
      assembly.consume(octets);
      return reference.consume(octets);
    }
    case 2:
      if (input.next8() % 8 != 0) return;
      assembly.clear();
      return reference.clear();
    case 3: {  // far past what fits
      const std::uint64_t offset = std::uint64_t{input.next8()} << (what / 8 * 2);
      const auto piece = input.take(input.next8());
      SLUICE_EXPECT(assembly.write(offset, piece) == reference.write(offset, piece));
      return;
    }
    default: {
      const std::uint16_t offset = input.next16() % (kLarge + 16);
      std::array<std::uint8_t, 256> piece;
      const std::uint8_t length = input.next8();
      // Octets that follow from their place agree with each other; others do not.
      const std::uint8_t salt = what % 8 == 4 ? input.next8() : 0;
      for (std::size_t i = 0; i < length; ++i) {
        piece[i] = static_cast<std::uint8_t>((offset + i) * 7 + salt);
      }
      const std::span written(piece.data(), length);
      SLUICE_EXPECT(assembly.write(offset, written) == reference.write(offset, written));
    }
  }
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::fuzz;
  namespace flow = sluice::flow;
  Input input(data, size);
  // What storage holds before its first use does not count.
  const std::uint8_t fill = input.next8();
  const auto small_storage = make_storage<kSmall>(fill);
  const auto large_storage = make_storage<kLarge>(fill);
  flow::Assembly small(*small_storage);
  flow::Assembly large(*large_storage);
  Reference small_reference(kSmall);
  Reference large_reference(kLarge);
  while (!input.empty()) {
    const std::uint8_t which = input.next8();
    if (which % 16 == 15) {
      large.copy_from(small);
      large_reference.copy_from(small_reference);
    } else if (which % 16 == 13) {
      const std::uint16_t offset = input.next16() % kSmall;
      auto piece = input.take(input.next8());
      piece = piece.first(std::min<std::size_t>(piece.size(), kSmall - offset));
      Reference replaced(small_reference);
      replaced.replace(offset, piece);
      SLUICE_EXPECT(large.is_other_with(small, offset, piece) == (large_reference == replaced));
    } else if (which % 2 == 0) {
      step(input, small, small_reference);
    } else {
      step(input, large, large_reference);
    }
    compare(small, small_reference);
    compare(large, large_reference);
  }
  return 0;
}
