#include "dataplane/inspect/quic/gquic.h"

#include <algorithm>
#include <array>

#include "dataplane/inspect/quic/packet.h"
#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {
namespace {

constexpr std::uint8_t kVersionFlag = 0x01;
constexpr std::uint8_t kResetFlag = 0x02;
constexpr std::uint8_t kConnectionIdFlag = 0x08;
constexpr std::size_t kConnectionIdOctets = 8;
constexpr std::size_t kMessageHashOctets = 12;
constexpr std::uint64_t kCryptoStream = 1;
constexpr std::uint8_t kPing = 0x07;

std::uint64_t little_endian(std::span<const std::uint8_t> octets) {
  std::uint64_t value = 0;
  for (std::size_t i = octets.size(); i-- > 0;) value = value << 8 | octets[i];
  return value;
}

bool little_endian(Reader& reader, std::size_t octets, std::uint64_t& out) {
  std::span<const std::uint8_t> taken;
  if (!reader.octets(octets, taken)) return false;
  out = little_endian(taken);
  return true;
}

/// The two digits of a version "Q0dd"; 0 for another.
unsigned version_number(const std::uint8_t* at) {
  const auto digit = [](std::uint8_t c) { return c >= '0' && c <= '9'; };
  if (at[0] != 'Q' || at[1] != '0' || !digit(at[2]) || !digit(at[3])) return 0;
  return (at[2] - '0') * 10U + (at[3] - '0');
}

/// Reads up to the frames; the version's number, or 0.
unsigned read_header(std::span<const std::uint8_t> datagram, Reader& reader) {
  if (datagram.size() < 1 + kConnectionIdOctets + 4) return 0;
  const std::uint8_t first = datagram[0];
  constexpr std::array<std::uint8_t, 4> kPacketNumberOctets = {1, 2, 4, 6};
  unsigned version = 0;
  std::size_t header = 0;
  if ((first & 0x80) != 0) {
    version = version_number(&datagram[1]);
    // A client's: an ID of eight octets for the server (coded as less 3), none of its own.
    if (version != 46 || datagram[5] != 0x50) return 0;
    header = 6 + kConnectionIdOctets + (first & 3U) + 1;
  } else {
    if ((first & (kVersionFlag | kResetFlag | kConnectionIdFlag)) !=
        (kVersionFlag | kConnectionIdFlag)) {
      return 0;
    }
    version = version_number(&datagram[1 + kConnectionIdOctets]);
    if (version < 25 || version > 43) return 0;
    header = 1 + kConnectionIdOctets + 4 + kPacketNumberOctets[first >> 4 & 3];
  }
  // Up to Q033 a flags octet stands before the frames.
  return reader.skip(header + kMessageHashOctets + (version <= 33 ? 1 : 0)) ? version : 0;
}

/// The data of a STREAM frame at the start of the crypto stream; empty for another.
bool read_stream(Reader& reader, std::uint8_t type, unsigned version,
                 std::span<const std::uint8_t>& data) {
  const std::size_t offset_octets = (type >> 2 & 7U) == 0 ? 0 : (type >> 2 & 7U) + 1;
  std::span<const std::uint8_t> id;
  std::span<const std::uint8_t> offset;
  std::span<const std::uint8_t> length;
  if (!reader.octets((type & 3U) + 1, id) || !reader.octets(offset_octets, offset)) return false;
  std::uint64_t octets = reader.left();
  if ((type & 0x20) != 0) {
    if (!reader.octets(2, length)) return false;
    octets = version >= 39 ? packet::load16(length.data()) : little_endian(length);
  }
  if (!reader.octets(octets, data)) return false;
  const bool stream = version >= 39 ? id.back() == kCryptoStream &&
                                          std::all_of(id.begin(), id.end() - 1,
                                                      [](std::uint8_t octet) { return octet == 0; })
                                    : little_endian(id) == kCryptoStream;
  if (!stream || little_endian(offset) != 0) data = {};
  return true;
}

}  // namespace

bool may_be_gquic(std::span<const std::uint8_t> datagram) {
  Reader reader(datagram);
  return read_header(datagram, reader) != 0;
}

Outcome parse_gquic(std::span<const std::uint8_t> datagram, std::string_view& name) {
  Reader reader(datagram);
  const unsigned version = read_header(datagram, reader);
  if (version == 0) return Outcome::malformed;
  std::uint8_t type = 0;
  while (reader.octet(type)) {
    if (type == 0 || type == kPing) continue;
    std::span<const std::uint8_t> data;
    // Where other frames end depends on the version; a client's first packet has none before.
    if ((type & 0x80) == 0 || !read_stream(reader, type, version, data)) break;
    if (data.empty()) continue;
    const Outcome outcome = parse_chlo(data, name);
    return outcome == Outcome::need_more ? Outcome::malformed : outcome;
  }
  return Outcome::no_name;
}

// A message is its tag, a count, and per entry a tag and where its value ends behind the entries.
Outcome parse_chlo(std::span<const std::uint8_t> stream, std::string_view& name) {
  constexpr std::string_view kTag = "CHLO";
  const std::size_t there = std::min(stream.size(), kTag.size());
  if (!std::ranges::equal(stream.first(there), kTag.substr(0, there))) return Outcome::no_name;
  Reader reader(stream);
  std::span<const std::uint8_t> tag;
  std::uint64_t count = 0;
  if (!reader.skip(kTag.size()) || !little_endian(reader, 2, count) || !reader.skip(2)) {
    return Outcome::need_more;
  }
  if (reader.left() < count * 8) return Outcome::need_more;
  const auto values = reader.rest().subspan(count * 8);
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  for (; count > 0; --count, start = end) {
    if (!reader.octets(4, tag) || !little_endian(reader, 4, end) || end < start) {
      return Outcome::malformed;
    }
    if (!std::ranges::equal(tag, std::string_view("SNI\0", 4))) continue;
    if (end > values.size()) return Outcome::need_more;
    const auto value = values.subspan(start, end - start);
    name = {reinterpret_cast<const char*>(value.data()), value.size()};
    return name.empty() ? Outcome::no_name : Outcome::found;
  }
  return Outcome::no_name;
}

}  // namespace sluice::inspect::quic
