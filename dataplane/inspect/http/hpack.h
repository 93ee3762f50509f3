// Reads the fields of one HPACK header block, the first of its connection, as far as it takes to
// find some of them by name (RFC 7541).
//
// Values of the dynamic table are not kept: what a block of such a table refers to stands in the
// same block, so that it has been told already. Only which names are wanted is remembered.
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::inspect::http {

enum class HpackDefect : std::uint8_t {
  none,
  cut,      // the block ends inside a field
  integer,  // over 2^28
  index,    // of no field
  huffman,  // no code, the end-of-string symbol, or padding that is none (RFC 7541 5.2)
  scratch,  // a decoded value does not fit
};

class HpackReader {
 public:
  /// Values that are Huffman-coded are decoded into `scratch`.
  HpackReader(std::span<const std::uint8_t> block, std::span<std::uint8_t> scratch)
      : block_(block), scratch_(scratch) {}

  /// The next value of an :authority or host field that the block spells out; false at its end, or
  /// at a defect.
  [[nodiscard]] bool next_host(std::string_view& value);
  [[nodiscard]] HpackDefect defect() const { return defect_; }

 private:
  struct String {
    std::span<const std::uint8_t> bytes;
    bool huffman = false;
  };

  bool fail(HpackDefect defect);
  bool read_integer(unsigned prefix_bits, std::size_t& value);
  bool read_string(String& out);
  bool read_name(std::size_t index, bool& is_host);
  bool decode(const String& string, std::string_view& value);
  [[nodiscard]] bool lookup(std::size_t index, bool& is_host) const;
  void insert(bool is_host);

  // As many entries as a table of 4,096 octets holds at most (RFC 7541 4.1).
  static constexpr std::size_t kMaxEntries = 128;

  std::span<const std::uint8_t> block_;  // what is not read yet
  std::span<std::uint8_t> scratch_;      // what is not used yet
  HpackDefect defect_ = HpackDefect::none;
  std::size_t inserted_ = 0;
  std::array<bool, kMaxEntries> entries_{};  // by order of insertion, modulo
};

/// RFC 7541 5.2. Returns the octets written, or -1 where the code is broken or does not fit.
[[nodiscard]] std::ptrdiff_t huffman_decode(std::span<const std::uint8_t> coded,
                                            std::span<std::uint8_t> out, HpackDefect& defect);

}  // namespace sluice::inspect::http
