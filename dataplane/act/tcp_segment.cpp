#include "dataplane/act/tcp_segment.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::act {

using packet::store16;
using packet::store32;
using packet::Way;

namespace {

constexpr std::size_t kTcpOctets = 20;
constexpr std::size_t kTimestampOctets = 12;
constexpr std::uint16_t kWindow = 8192;

}  // namespace

TcpNumbers numbers_after(std::span<const std::uint8_t> withheld, const packet::Frame& parsed,
                         Way way) {
  const packet::TcpFields tcp = packet::tcp_fields(withheld, parsed);
  if (way == Way::onward) return {tcp.sequence, tcp.acknowledgement};
  // SYN and FIN count as one octet each.
  const std::uint32_t flags = ((tcp.flags & packet::kTcpSyn) != 0 ? 1U : 0U) +
                              ((tcp.flags & packet::kTcpFin) != 0 ? 1U : 0U);
  return {tcp.acknowledgement, tcp.sequence + parsed.payload_length + flags};
}

std::size_t write_tcp_segment(std::span<const std::uint8_t> withheld, const packet::Frame& parsed,
                              Way way, TcpNumbers numbers, std::uint8_t flags,
                              std::span<const std::uint8_t> payload, std::uint8_t* out) {
  const packet::TcpFields tcp = packet::tcp_fields(withheld, parsed);
  const packet::TcpOptions options = packet::tcp_options(withheld, parsed);
  const bool back = way == Way::back;
  const bool reset = (flags & packet::kTcpRst) != 0;
  const bool timestamps = options.has_timestamps && !reset;
  const packet::ReplyHeaders headers =
      packet::write_headers(withheld, parsed, way, packet::kProtocolTcp, out);
  std::uint8_t* segment = out + headers.transport_offset;
  const std::size_t octets = kTcpOctets + (timestamps ? kTimestampOctets : 0);
  std::memset(segment, 0, octets);
  store16(segment, back ? tcp.destination_port : tcp.source_port);
  store16(segment + 2, back ? tcp.source_port : tcp.destination_port);
  store32(segment + 4, numbers.sequence);
  store32(segment + 8, numbers.acknowledgement);
  segment[12] = static_cast<std::uint8_t>((octets / 4) << 4);
  segment[13] = flags;
  if (!reset) store16(segment + 14, kWindow);
  if (timestamps) {
    // The receiver's own clock comes back to it, and ours is what it last echoed (RFC 7323 4.3).
    store32(segment + kTcpOctets, 0x0101080a);
    store32(segment + kTcpOctets + 4, back ? options.echoed : options.timestamp);
    store32(segment + kTcpOctets + 8, back ? options.timestamp : options.echoed);
  }
  payload = payload.first(std::min(payload.size(), kMaxSegmentPayload));
  if (!payload.empty()) std::memcpy(segment + octets, payload.data(), payload.size());
  return packet::finish_headers(headers, parsed, out, octets + payload.size(), 16);
}

std::size_t write_tcp_reset(std::span<const std::uint8_t> withheld, const packet::Frame& parsed,
                            Way way, std::uint8_t* out) {
  return write_tcp_segment(withheld, parsed, way, numbers_after(withheld, parsed, way),
                           packet::kTcpRst | packet::kTcpAck, {}, out);
}

}  // namespace sluice::act
