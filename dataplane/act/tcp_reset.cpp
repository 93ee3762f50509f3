#include "dataplane/act/tcp_reset.h"

#include <cstring>

#include "dataplane/packet/bytes.h"

namespace sluice::act {

using packet::store16;
using packet::store32;

std::size_t write_tcp_reset(std::span<const std::uint8_t> withheld, const packet::Frame& parsed,
                            packet::Toward toward, std::uint8_t* out) {
  constexpr std::size_t kTcpOctets = 20;
  const packet::TcpFields tcp = packet::tcp_fields(withheld, parsed);
  const packet::ReplyHeaders headers =
      packet::write_headers(withheld, parsed, toward, packet::kProtocolTcp, out);
  std::uint8_t* segment = out + headers.transport_offset;
  std::memset(segment, 0, kTcpOctets);
  segment[12] = (kTcpOctets / 4) << 4;
  segment[13] = packet::kTcpRst | packet::kTcpAck;
  if (toward == packet::Toward::client) {
    // The client has sent the withheld octets, and SYN and FIN count as one each.
    const std::uint32_t flags = ((tcp.flags & packet::kTcpSyn) != 0 ? 1U : 0U) +
                                ((tcp.flags & packet::kTcpFin) != 0 ? 1U : 0U);
    store16(segment, tcp.destination_port);
    store16(segment + 2, tcp.source_port);
    store32(segment + 4, tcp.acknowledgement);
    store32(segment + 8, tcp.sequence + parsed.payload_length + flags);
  } else {
    store16(segment, tcp.source_port);
    store16(segment + 2, tcp.destination_port);
    store32(segment + 4, tcp.sequence);
    store32(segment + 8, tcp.acknowledgement);
  }
  return packet::finish_headers(headers, out, kTcpOctets, 16);
}

}  // namespace sluice::act
