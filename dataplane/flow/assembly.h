// Puts the pieces of one stream together, in whatever order, size and number they come: a TCP
// stream's first octets, or a QUIC connection's CRYPTO stream. A set of octets, not a list of
// pieces, so that no pattern of pieces costs more than the octets it carries.
//
// Where pieces overlap with different octets, write() lets the first copy stay and says that there
// was a conflict, replace() the last one; whoever reads decides.
//
// Thread safety: a view over storage that belongs to one lcore. Nothing allocates.
#pragma once

#include <cstdint>
#include <span>

namespace sluice::flow {

enum class Written : std::uint8_t {
  stored,    // every octet that lies within the capacity is there now
  conflict,  // some octet was there already with another value; the others are stored
};

/// Storage for an assembly of N octets; N a multiple of 64. Nothing in it needs to be initialised.
template <std::size_t N>
struct AssemblyStorage {
  static_assert(N % 64 == 0);
  std::uint64_t have[N / 64];
  std::uint8_t bytes[N];
};

class Assembly {
 public:
  Assembly() = default;
  template <std::size_t N>
  explicit Assembly(AssemblyStorage<N>& storage)
      : Assembly(storage.bytes, storage.have, static_cast<std::uint32_t>(N)) {}
  Assembly(std::uint8_t* bytes, std::uint64_t* have, std::uint32_t capacity);

  /// Octets past the capacity are left out, and overflowed() tells so from then on.
  Written write(std::uint64_t offset, std::span<const std::uint8_t> piece);
  /// As write(), but of the copies of an octet, the last one stays.
  void replace(std::uint64_t offset, std::span<const std::uint8_t> piece);
  /// Whether write() would tell of a conflict.
  [[nodiscard]] bool conflicts(std::uint64_t offset, std::span<const std::uint8_t> piece) const;
  /// Whether this holds what `other` would after replace().
  [[nodiscard]] bool is_other_with(const Assembly& other, std::uint64_t offset,
                                   std::span<const std::uint8_t> piece) const;

  /// The octets from offset 0 to the first hole.
  [[nodiscard]] std::span<const std::uint8_t> contiguous() const { return {bytes_, contiguous_}; }
  /// One past the last octet that is there.
  [[nodiscard]] std::uint32_t end() const { return end_; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return end_ == 0; }
  [[nodiscard]] bool overflowed() const { return overflowed_; }

  /// Forgets the first `octets`, there or not; what was at offset `octets` is at 0 now.
  void consume(std::uint32_t octets);
  /// Takes over what `other` holds; our capacity must not be smaller.
  void copy_from(const Assembly& other);
  void clear();

 private:
  [[nodiscard]] bool has(std::uint32_t at) const { return (have_[at / 64] >> (at % 64) & 1) != 0; }
  /// Where `piece` begins and ends here, as far as there is room.
  struct Place {
    std::uint32_t from;
    std::uint32_t to;
  };
  [[nodiscard]] Place place_of(std::uint64_t offset, std::span<const std::uint8_t> piece) const;
  void mark(std::uint32_t from, std::uint32_t to);
  void append(std::uint32_t to);
  void advance();

  std::uint8_t* bytes_ = nullptr;
  std::uint64_t* have_ = nullptr;  // a bit an octet, valid below round_up(end_, 64)
  std::uint32_t capacity_ = 0;
  std::uint32_t contiguous_ = 0;
  std::uint32_t end_ = 0;
  bool overflowed_ = false;
};

}  // namespace sluice::flow
