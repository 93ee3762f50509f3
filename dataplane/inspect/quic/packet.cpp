#include "dataplane/inspect/quic/packet.h"

#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {

bool Reader::octet(std::uint8_t& out) {
  if (empty()) return false;
  out = bytes_[at_++];
  return true;
}

bool Reader::long_varint(std::uint64_t& out) {
  if (empty()) return false;
  const std::size_t count = std::size_t{1} << (bytes_[at_] >> 6);
  if (left() < count) return false;
  if (count == 2) {
    out = packet::load16(&bytes_[at_]) & 0x3fffU;
    at_ += count;
    return true;
  }
  std::uint64_t value = bytes_[at_] & 0x3f;
  for (std::size_t i = 1; i < count; ++i) value = value << 8 | bytes_[at_ + i];
  at_ += count;
  out = value;
  return true;
}

bool Reader::octets(std::uint64_t count, std::span<const std::uint8_t>& out) {
  if (left() < count) return false;
  out = bytes_.subspan(at_, count);
  at_ += count;
  return true;
}

bool Reader::skip(std::uint64_t count) {
  std::span<const std::uint8_t> skipped;
  return octets(count, skipped);
}

void Reader::skip_zeros() {
  const auto eight_at = [this](std::size_t at) {
    std::uint64_t octets;
    std::memcpy(&octets, &bytes_[at], sizeof octets);
    return octets;
  };
  std::size_t at = at_;
  while (bytes_.size() - at >= 32 &&
         (eight_at(at) | eight_at(at + 8) | eight_at(at + 16) | eight_at(at + 24)) == 0) {
    at += 32;
  }
  while (bytes_.size() - at >= 8 && eight_at(at) == 0) at += 8;
  while (at < bytes_.size() && bytes_[at] == 0) ++at;
  at_ = at;
}

HeaderDefect read_long_header(std::span<const std::uint8_t> datagram, LongHeader& out) {
  if (datagram.empty() || (datagram[0] & 0x80) == 0) return HeaderDefect::short_header;
  if (datagram.size() < 7) return HeaderDefect::cut;
  out.version = Version{packet::load32(&datagram[1])};
  out.traits = version_traits(out.version);
  if (out.traits == nullptr) return HeaderDefect::unknown_version;
  out.type = out.traits->types[datagram[0] >> 4 & 3];
  if (out.type == PacketType::retry) return HeaderDefect::retry;
  Reader reader(datagram);
  std::uint8_t length = 0;
  if (!reader.skip(5) || !reader.octet(length)) return HeaderDefect::cut;
  if (length > kMaxConnectionIdOctets) return HeaderDefect::connection_id;
  if (!reader.octets(length, out.destination) || !reader.octet(length)) return HeaderDefect::cut;
  if (length > kMaxConnectionIdOctets) return HeaderDefect::connection_id;
  if (!reader.octets(length, out.source)) return HeaderDefect::cut;
  std::uint64_t octets = 0;
  if (out.type == PacketType::initial && (!reader.varint(octets) || !reader.skip(octets))) {
    return HeaderDefect::cut;
  }
  if (!reader.varint(octets)) return HeaderDefect::cut;
  out.packet_number_offset = reader.at();
  if (!reader.skip(octets)) return HeaderDefect::cut;
  out.packet = datagram.first(reader.at());
  return HeaderDefect::none;
}

bool read_destination(std::span<const std::uint8_t> datagram, const VersionTraits*& traits,
                      std::span<const std::uint8_t>& destination) {
  if (datagram.size() < 7 || (datagram[0] & 0x80) == 0) return false;
  traits = version_traits(Version{packet::load32(&datagram[1])});
  if (traits == nullptr || traits->types[datagram[0] >> 4 & 3] != PacketType::initial) return false;
  const std::size_t length = datagram[5];
  if (length > kMaxConnectionIdOctets || datagram.size() - 6 < length) return false;
  destination = datagram.subspan(6, length);
  return true;
}

bool may_be_initial(std::span<const std::uint8_t> datagram) {
  LongHeader header;
  while (read_long_header(datagram, header) == HeaderDefect::none) {
    if (header.type == PacketType::initial) return true;
    datagram = datagram.subspan(header.packet.size());
  }
  return false;
}

bool may_be_unknown_version(std::span<const std::uint8_t> datagram) {
  constexpr std::size_t kLeastOctets = 1200;
  if (datagram.size() < kLeastOctets || (datagram[0] & 0xc0) != 0xc0) return false;
  const std::uint32_t version = packet::load32(&datagram[1]);
  if (version == 0 || (version & 0x0f0f0f0f) == 0x0a0a0a0a) return false;
  const std::size_t destination = datagram[5];
  return version_traits(Version{version}) == nullptr && destination >= kMinFirstDestinationOctets &&
         destination <= kMaxConnectionIdOctets &&
         datagram[6 + destination] <= kMaxConnectionIdOctets;
}

}  // namespace sluice::inspect::quic
