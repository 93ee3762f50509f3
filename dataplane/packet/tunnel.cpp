#include "dataplane/packet/tunnel.h"

#include "dataplane/packet/bytes.h"

namespace sluice::packet {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr unsigned kMaxGtpExtensions = 8;

UdpTunnel parse_vxlan(std::span<const std::uint8_t> bytes) {
  // Only the I flag has a meaning; the reserved ones are ignored on receipt.
  if (bytes.size() < 8 || (bytes[0] & 0x08) == 0) return {};
  return {8, Inner::ethernet};
}

UdpTunnel parse_geneve(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 8 || bytes[0] >> 6 != 0) return {};
  const std::size_t octets = 8 + (bytes[0] & 0x3fU) * 4U;
  if (octets > bytes.size()) return {};
  const std::uint16_t type = load16(&bytes[2]);
  if (type == 0x6558) return {octets, Inner::ethernet};
  if (type == 0x0800 || type == 0x86dd) return {octets, Inner::ip};
  return {};
}

UdpTunnel parse_gtp(std::span<const std::uint8_t> bytes) {
  // Version 1, protocol type GTP, message G-PDU.
  if (bytes.size() < 8 || (bytes[0] & 0xf0) != 0x30 || bytes[1] != 0xff) return {};
  std::size_t octets = 8;
  if ((bytes[0] & 0x07) != 0) {
    octets = 12;
    if (octets > bytes.size()) return {};
    std::uint8_t next = (bytes[0] & 0x04) != 0 ? bytes[11] : 0;
    for (unsigned i = 0; next != 0; ++i) {
      if (i == kMaxGtpExtensions || octets >= bytes.size()) return {};
      const std::size_t length = bytes[octets] * 4U;
      if (length == 0 || length > bytes.size() - octets) return {};
      next = bytes[octets + length - 1];
      octets += length;
    }
  }
  return {octets, Inner::ip, true};
}

UdpTunnel parse_l2tp(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 6) return {};
  const std::uint16_t flags = load16(bytes.data());
  if ((flags & 0x000f) != 2 || (flags & 0x8000) != 0) return {};  // a control message
  std::size_t octets = 6;
  if ((flags & 0x4000) != 0) octets += 2;  // length
  if ((flags & 0x0800) != 0) octets += 4;  // Ns, Nr
  if ((flags & 0x0200) != 0) {             // offset size and its padding
    if (bytes.size() < octets + 2) return {};
    octets += 2U + load16(&bytes[octets]);
  }
  if (octets >= bytes.size()) return {};
  return {octets, Inner::ppp};
}

}  // namespace

Gre parse_gre(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 4) return {};
  const std::uint16_t flags = load16(bytes.data());
  const unsigned version = flags & 7;
  Gre out{4, load16(&bytes[2])};
  if ((flags & 0x4000) != 0 || version > 1) return {};  // source routes (RFC 1701), obsolete
  if (version == 1) {
    if (out.ethertype != 0x880b || bytes.size() < 8) return {};
    out.octets = 8U + ((flags & 0x1000) != 0 ? 4U : 0U) + ((flags & 0x0080) != 0 ? 4U : 0U);
  } else {
    const bool sequence = (flags & 0x1000) != 0;
    out.octets += ((flags & 0x8000) != 0 ? 4U : 0U) + ((flags & 0x2000) != 0 ? 4U : 0U) +
                  (sequence ? 4U : 0U);
    if (out.ethertype == 0x88be && sequence) out.octets += 8;          // ERSPAN II
    if (out.ethertype == 0x22eb && out.octets + 12 <= bytes.size()) {  // ERSPAN III
      out.octets += 12U + ((bytes[out.octets + 11] & 1) != 0 ? 8U : 0U);
      out.ethertype = 0x6558;
    }
  }
  return out.octets < bytes.size() ? out : Gre{};
}

UdpTunnel parse_udp_tunnel(std::uint16_t source_port, std::uint16_t destination_port,
                           std::span<const std::uint8_t> payload) {
  // A client may ask from any port, those of tunnels among them.
  if (destination_port == kDnsPort || source_port == kDnsPort) return {};
  if (destination_port == kVxlanPort) return parse_vxlan(payload);
  if (destination_port == kGenevePort) return parse_geneve(payload);
  if (destination_port == kGrePort) {
    const Gre gre = parse_gre(payload);
    return {gre.octets, Inner::by_ethertype, false, gre.ethertype};
  }
  if (destination_port == kGtpPort || source_port == kGtpPort) return parse_gtp(payload);
  if (destination_port == kL2tpPort || source_port == kL2tpPort) return parse_l2tp(payload);
  return {};
}

}  // namespace sluice::packet
