// The answer that nearly every refused query gets, in few instructions: to a query in a plain IPv4
// frame, with one question and no OPT record, that the name is not there. Octet for octet what
// write_dns_datagram() makes of the same.
//
// RFC 1035 4.1.1, RFC 2308 3.
// Thread safety: plain values over the caller's buffers; nothing allocates.
#pragma once

#include <cstdint>
#include <cstring>

#include "dataplane/act/soa_record.h"
#include "dataplane/inspect/dns/query.h"
#include "dataplane/packet/bytes.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/frame.h"
#include "dataplane/packet/reply.h"

namespace sluice::act {

/// The SOA record with its TTLs, kept from one answer to the next.
class TimedSoa {
 public:
  TimedSoa() { set_ttl(0); }

  [[nodiscard]] std::uint32_t ttl() const { return ttl_; }
  void set_ttl(std::uint32_t ttl) {
    ttl_ = ttl;
    std::memcpy(octets_.data(), kSoa.octets.data(), SoaTemplate::kOctets);
    packet::store32(&octets_[SoaTemplate::kTtlAt], ttl);
    packet::store32(&octets_[SoaTemplate::kMinimumAt], ttl);
    // The second of them begins at an odd place.
    static_assert(SoaTemplate::kTtlAt % 2 == 0 && SoaTemplate::kMinimumAt % 2 == 1);
    sum_ = kSoa.sum + ttl + packet::turned(ttl);
  }

  /// Writes kRoom octets, of which SoaTemplate::kOctets count; returns their checksum_add(), as of
  /// an even place. `owner`: the offset of its name in the message.
  packet::Sum write(std::uint8_t* out, std::size_t owner) const {
    const auto pointer = static_cast<std::uint16_t>(0xc000 | owner);
    std::memcpy(out, octets_.data(), kRoom);
    packet::store16(out + SoaTemplate::kOwnerAt, pointer);
    return sum_ + pointer;
  }
  static constexpr std::size_t kRoom = 64;

 private:
  std::uint32_t ttl_ = 0;
  packet::Sum sum_ = 0;
  std::array<std::uint8_t, kRoom> octets_{};
};

/// Whether write_plain_answer() serves for a query that stands whole in its frame.
[[nodiscard]] inline bool is_plain_query(const packet::Frame& frame,
                                         const inspect::dns::Query& query) {
  return packet::is_plain_ipv4(frame) && frame.transport_offset == frame.network_offset + 20U &&
         query.question_count == 1 && !query.has_opt && query.type != inspect::dns::kTypeSvcb;
}
/// What the buffer of such a frame has to hold.
[[nodiscard]] inline std::size_t plain_answer_room(const packet::Frame& frame,
                                                   const inspect::dns::Query& query) {
  return std::size_t{frame.payload_offset} + query.question_end + TimedSoa::kRoom;
}

/// The checksum_add() of octets behind which eight more may be read.
[[nodiscard]] inline packet::Sum add_readable(const std::uint8_t* at, std::size_t octets) {
  packet::Sum sum = 0;
  const auto add = [&sum](std::uint64_t words) {
    const bool carry = __builtin_add_overflow(sum, words, &sum);
    sum += carry;
  };
  std::uint64_t words;
  for (; octets >= 8; at += 8, octets -= 8) {
    std::memcpy(&words, at, sizeof words);
    add(words);
  }
  std::memcpy(&words, at, sizeof words);
  add(words & ((std::uint64_t{1} << octets * 8) - 1));
  return packet::turned((sum >> 32) + (sum & 0xffffffff));
}

/// Turns the frame with such a query into its answer; returns the frame's length. `listed_octets`:
/// of the listed name's labels, in wire form, no more than QNAME's.
inline std::size_t write_plain_answer(std::uint8_t* frame, const packet::Frame& parsed,
                                      const inspect::dns::Query& query, std::size_t listed_octets,
                                      const TimedSoa& soa) {
  using inspect::dns::kHeaderOctets;
  std::uint8_t* const message = frame + parsed.payload_offset;
  const std::size_t front = query.question_end;
  const packet::Sum question = add_readable(message + kHeaderOctets, front - kHeaderOctets);
  const std::size_t owner = kHeaderOctets + query.name.size() - 1 - listed_octets;
  const packet::Sum record = soa.write(message + front, owner);
  // QR, RD as asked; RA, CD as asked; NXDOMAIN. One question, one record of authority.
  const std::uint32_t id_and_flags = (packet::load32(message) & 0xffff0110U) | 0x8083U;
  packet::store32(message, id_and_flags);
  packet::store32(message + 4, 0x10000);
  packet::store32(message + 8, 0x10000);
  const packet::Sum sum =
      packet::Sum{id_and_flags} + 2 + question + (front % 2 == 0 ? record : packet::turned(record));
  const std::size_t octets = front + SoaTemplate::kOctets;
  return packet::turn_udp_headers(frame, parsed, octets, sum) + octets;
}

}  // namespace sluice::act
