#include "dataplane/inspect/http/hpack.h"

#include <algorithm>

namespace sluice::inspect::http {
namespace {

constexpr std::size_t kStaticEntries = 61;
constexpr std::size_t kStaticAuthority = 1;  // RFC 7541 appendix A
constexpr std::size_t kStaticHost = 38;
constexpr std::size_t kMaxInteger = 1U << 28;
constexpr std::string_view kAuthority = ":authority";
constexpr std::string_view kHost = "host";

constexpr std::size_t kSymbols = 257;
constexpr unsigned kEndOfString = 256;
constexpr unsigned kLongestCode = 30;

// Bits of the code of each symbol, RFC 7541 appendix B. The code is canonical: codes of one
// length are consecutive in the order of their symbols, and follow the shorter ones.
constexpr std::array<std::uint8_t, kSymbols> kCodeBits = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, 13, 6,  7,  7,  7,  7,  7,  7,
    7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  6,  7,  6,  5,  5,  6,  7,  7,
    7,  7,  7,  15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21,
    23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

struct CodeTable {
  std::array<std::uint32_t, kLongestCode + 1> first_code{};    // of each length
  std::array<std::uint16_t, kLongestCode + 1> first_symbol{};  // its place in `symbols`
  std::array<std::uint16_t, kLongestCode + 1> count{};
  std::array<std::uint16_t, kSymbols> symbols{};  // by length, then value
};

constexpr CodeTable make_code_table() {
  CodeTable table;
  std::uint32_t code = 0;
  std::uint16_t place = 0;
  for (std::size_t bits = 1; bits <= kLongestCode; ++bits) {
    code <<= 1;
    table.first_code[bits] = code;
    table.first_symbol[bits] = place;
    for (std::uint16_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kCodeBits[symbol] == bits) table.symbols[place++] = symbol;
    }
    table.count[bits] = static_cast<std::uint16_t>(place - table.first_symbol[bits]);
    code += table.count[bits];
  }
  return table;
}
constexpr CodeTable kCodes = make_code_table();
static_assert(kCodes.first_code[kLongestCode] + kCodes.count[kLongestCode] == 1U << kLongestCode);

bool is_name(std::string_view text, std::string_view lower_case) {
  return std::equal(
      text.begin(), text.end(), lower_case.begin(), lower_case.end(),
      [](char x, char y) { return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y; });
}

}  // namespace

std::ptrdiff_t huffman_decode(std::span<const std::uint8_t> coded, std::span<std::uint8_t> out,
                              HpackDefect& defect) {
  const auto refuse = [&defect](HpackDefect why) {
    defect = why;
    return std::ptrdiff_t{-1};
  };
  std::uint32_t code = 0;
  unsigned bits = 0;
  std::size_t size = 0;
  for (const std::uint8_t octet : coded) {
    for (unsigned shift = 8; shift-- > 0;) {
      code = code << 1 | (octet >> shift & 1U);
      if (++bits > kLongestCode) return refuse(HpackDefect::huffman);
      // A code below the first one of its length is the start of none: that cannot be, since the
      // shorter ones have been taken.
      const std::uint32_t nth = code - kCodes.first_code[bits];
      if (nth >= kCodes.count[bits]) continue;
      const std::uint16_t symbol = kCodes.symbols[kCodes.first_symbol[bits] + nth];
      if (symbol == kEndOfString) return refuse(HpackDefect::huffman);
      if (size == out.size()) return refuse(HpackDefect::scratch);
      out[size++] = static_cast<std::uint8_t>(symbol);
      code = 0;
      bits = 0;
    }
  }
  // What is left is padding: fewer than eight bits, all ones.
  if (bits > 7 || code != (1U << bits) - 1) return refuse(HpackDefect::huffman);
  return static_cast<std::ptrdiff_t>(size);
}

bool HpackReader::fail(HpackDefect defect) {
  defect_ = defect;
  return false;
}

// RFC 7541 5.1.
bool HpackReader::read_integer(unsigned prefix_bits, std::size_t& value) {
  if (block_.empty()) return fail(HpackDefect::cut);
  const std::size_t mask = (1U << prefix_bits) - 1;
  value = block_.front() & mask;
  block_ = block_.subspan(1);
  if (value < mask) return true;
  for (unsigned shift = 0;; shift += 7) {
    if (block_.empty()) return fail(HpackDefect::cut);
    const std::uint8_t octet = block_.front();
    block_ = block_.subspan(1);
    if (shift > 28) return fail(HpackDefect::integer);
    value += std::size_t{octet & 0x7fU} << shift;
    if (value > kMaxInteger) return fail(HpackDefect::integer);
    if ((octet & 0x80) == 0) return true;
  }
}

bool HpackReader::read_string(String& out) {
  if (block_.empty()) return fail(HpackDefect::cut);
  out.huffman = (block_.front() & 0x80) != 0;
  std::size_t length = 0;
  if (!read_integer(7, length)) return false;
  if (length > block_.size()) return fail(HpackDefect::cut);
  out.bytes = block_.first(length);
  block_ = block_.subspan(length);
  return true;
}

bool HpackReader::lookup(std::size_t index, bool& is_host) const {
  if (index == 0) return false;
  if (index <= kStaticEntries) {
    is_host = index == kStaticAuthority || index == kStaticHost;
    return true;
  }
  const std::size_t back = index - kStaticEntries;  // 1 is the newest entry
  if (back > inserted_ || back > kMaxEntries) return false;
  is_host = entries_[(inserted_ - back) % kMaxEntries];
  return true;
}

void HpackReader::insert(bool is_host) { entries_[inserted_++ % kMaxEntries] = is_host; }

bool HpackReader::decode(const String& string, std::string_view& value) {
  std::span<const std::uint8_t> bytes = string.bytes;
  if (string.huffman) {
    const std::ptrdiff_t size = huffman_decode(string.bytes, scratch_, defect_);
    if (size < 0) return false;
    bytes = scratch_.first(static_cast<std::size_t>(size));
    scratch_ = scratch_.subspan(bytes.size());
  }
  value = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return true;
}

/// The name of a literal field: of the entry `index`, or spelt out where that is 0.
bool HpackReader::read_name(std::size_t index, bool& is_host) {
  if (index != 0) return lookup(index, is_host) || fail(HpackDefect::index);
  String name;
  if (!read_string(name)) return false;
  std::string_view text(reinterpret_cast<const char*>(name.bytes.data()), name.bytes.size());
  std::array<std::uint8_t, kAuthority.size()> buffer;
  if (name.huffman) {
    HpackDefect defect = HpackDefect::none;
    const std::ptrdiff_t size = huffman_decode(name.bytes, buffer, defect);
    if (size < 0 && defect != HpackDefect::scratch) return fail(defect);
    // A name that does not fit is longer than those that are wanted.
    text = {reinterpret_cast<const char*>(buffer.data()),
            size < 0 ? 0U : static_cast<std::size_t>(size)};
  }
  is_host = is_name(text, kAuthority) || is_name(text, kHost);
  return true;
}

bool HpackReader::next_host(std::string_view& value) {
  while (!block_.empty()) {
    const std::uint8_t first = block_.front();
    std::size_t index = 0;
    bool is_host = false;
    if ((first & 0x80) != 0) {  // indexed field: its value, if any, was told when it was inserted
      if (!read_integer(7, index)) return false;
      if (!lookup(index, is_host)) return fail(HpackDefect::index);
      continue;
    }
    if ((first & 0xe0) == 0x20) {  // size update
      if (!read_integer(5, index)) return false;
      continue;
    }
    const bool inserts = (first & 0xc0) == 0x40;
    if (!read_integer(inserts ? 6 : 4, index)) return false;
    String string;
    if (!read_name(index, is_host) || !read_string(string)) return false;
    if (inserts) insert(is_host);
    if (!is_host) continue;
    return decode(string, value);
  }
  return false;
}

}  // namespace sluice::inspect::http
