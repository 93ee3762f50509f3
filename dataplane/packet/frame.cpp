#include "dataplane/packet/frame.h"

#include <algorithm>
#include <tuple>

#include "dataplane/packet/bytes.h"
#include "dataplane/packet/tunnel.h"

namespace sluice::packet {
namespace {

constexpr std::size_t kIpv4MinOctets = 20;
constexpr std::size_t kIpv6Octets = 40;
constexpr std::size_t kUdpOctets = 8;
constexpr std::size_t kTcpMinOctets = 20;
constexpr unsigned kMaxExtensionHeaders = 8;
constexpr unsigned kMaxMplsLabels = 8;
constexpr std::uint8_t kAuthenticationHeader = 51;

// 802.1Q, 802.1ad, and the pre-standard QinQ types still seen in access networks.
bool is_vlan(std::uint16_t ethertype) {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100 || ethertype == 0x9200;
}

/// Walks from the outside in; each step either ends at a kind or names the header that comes next.
class Walk {
 public:
  Walk(std::span<const std::uint8_t> bytes, Frame& frame)
      : bytes_(bytes), end_(bytes.size()), frame_(frame) {}

  void run() { frame_.kind = ethernet(0); }

 private:
  [[nodiscard]] std::size_t left(std::size_t at) const { return end_ - at; }
  [[nodiscard]] std::uint16_t word(std::size_t at) const { return load16(&bytes_[at]); }

  bool enter(LayerKind kind, std::size_t at) {
    if (frame_.layer_count == kMaxLayers || at > kMaxLinkOctets) return false;
    frame_.layers[frame_.layer_count++] = {kind, static_cast<std::uint16_t>(at)};
    return true;
  }

  FrameKind ethernet(std::size_t at) {
    if (left(at) < kEthernetOctets) return FrameKind::truncated;
    const bool outermost = frame_.layer_count == 0;
    if (!enter(LayerKind::ethernet, at)) return FrameKind::too_many_headers;
    frame_.link_offset = static_cast<std::uint16_t>(at);
    at += 12;
    for (unsigned tags = 0; is_vlan(word(at)); ++tags, at += kVlanTagOctets) {
      if (tags == kMaxVlanTags) return FrameKind::too_many_headers;
      if (left(at) < 2 + kVlanTagOctets) return FrameKind::truncated;
      const auto id = static_cast<std::uint16_t>(word(at + 2) & 0x0fff);
      if (!outermost) continue;
      if (tags == 0) frame_.outer_vlan = id;
      if (tags == 1) frame_.inner_vlan = id;
      ++frame_.vlan_count;
    }
    return by_ethertype(word(at), at + 2);
  }

  FrameKind by_ethertype(std::uint16_t ethertype, std::size_t at) {
    switch (ethertype) {
      case 0x0800:
        return ipv4(at);
      case 0x86dd:
        return ipv6(at);
      case 0x8847:
      case 0x8848:
        return mpls(at);
      case 0x8864:
        return pppoe(at);
      case 0x6558:  // Transparent Ethernet Bridging
        return ethernet(at);
      case 0x880b:
        return ppp(at);
      case 0x88be:  // ERSPAN I has no header of its own, II has one of 8 octets (GRE with sequence)
        return ethernet(at);
      default:
        return FrameKind::not_ip;
    }
  }

  FrameKind by_version(std::size_t at) {
    if (left(at) == 0) return FrameKind::truncated;
    switch (bytes_[at] >> 4) {
      case 4:
        return ipv4(at);
      case 6:
        return ipv6(at);
      default:
        return FrameKind::not_ip;
    }
  }

  FrameKind mpls(std::size_t at) {
    for (unsigned labels = 0; labels < kMaxMplsLabels; ++labels) {
      if (left(at) < 5) return FrameKind::truncated;
      const bool bottom = (bytes_[at + 2] & 1) != 0;
      at += 4;
      if (!bottom) continue;
      // The payload's type is not told: an IP version, or a pseudowire's control word (RFC 4385).
      if (bytes_[at] >> 4 != 0) return by_version(at);
      return left(at) < 4 ? FrameKind::truncated : ethernet(at + 4);
    }
    return FrameKind::too_many_headers;
  }

  FrameKind pppoe(std::size_t at) {
    if (left(at) < 8) return FrameKind::truncated;
    if (bytes_[at] != 0x11 || bytes_[at + 1] != 0) return FrameKind::not_ip;
    if (!enter(LayerKind::pppoe, at)) return FrameKind::too_many_headers;
    end_ = std::min<std::size_t>(end_, at + 6 + word(at + 4));
    return ppp(at + 6);
  }

  FrameKind ppp(std::size_t at) {
    if (left(at) >= 2 && bytes_[at] == 0xff && bytes_[at + 1] == 0x03) at += 2;
    if (left(at) < 2) return FrameKind::truncated;
    // The protocol field may be compressed to one octet, which is odd then (RFC 1661 6.5).
    const bool compressed = (bytes_[at] & 1) != 0;
    const std::uint16_t protocol = compressed ? bytes_[at] : word(at);
    at += compressed ? 1 : 2;
    if (protocol == 0x0021) return ipv4(at);
    return protocol == 0x0057 ? ipv6(at) : FrameKind::not_ip;
  }

  FrameKind begin_ip(std::size_t at, bool six) {
    if (at > kMaxLinkOctets) return FrameKind::too_many_headers;
    frame_.network_offset = static_cast<std::uint16_t>(at);
    frame_.ipv6 = six;
    frame_.protocol = 0;
    return FrameKind::other_protocol;
  }

  FrameKind ipv4(std::size_t at) {
    if (begin_ip(at, false) == FrameKind::too_many_headers) return FrameKind::too_many_headers;
    if (left(at) < kIpv4MinOctets) return FrameKind::truncated;
    const std::uint8_t* ip = &bytes_[at];
    const std::size_t header = (ip[0] & 15) * 4U;
    // Senders on this machine leave 0 where the card cuts a larger segment.
    const std::size_t total = word(at + 2) == 0 ? left(at) : word(at + 2);
    if (ip[0] >> 4 != 4 || header < kIpv4MinOctets || total < header) {
      return FrameKind::malformed_ip;
    }
    if (total > left(at)) frame_.cut = true;
    if (header > left(at)) return FrameKind::truncated;
    end_ = std::min(end_, at + total);
    const std::uint16_t fragment = word(at + 6);
    if ((fragment & 0x3fff) != 0) {  // MF or an offset
      frame_.protocol = ip[9];
      return begin_fragment(at + header, (fragment & 0x1fffU) * 8U, (fragment & 0x2000) != 0,
                            word(at + 4));
    }
    return by_protocol(ip[9], at + header);
  }

  FrameKind ipv6(std::size_t at) {
    if (begin_ip(at, true) == FrameKind::too_many_headers) return FrameKind::too_many_headers;
    if (left(at) < kIpv6Octets) return FrameKind::truncated;
    if (bytes_[at] >> 4 != 6) return FrameKind::malformed_ip;
    const std::size_t stated = at + kIpv6Octets + word(at + 4);
    if (stated > end_) frame_.cut = true;
    end_ = std::min(end_, stated);
    std::size_t next_at = at + 6;
    std::size_t offset = at + kIpv6Octets;
    for (unsigned headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
      const std::uint8_t next = bytes_[next_at];
      const bool has_length =
          next == 0 || next == 43 || next == 60;  // hop-by-hop, routing, options
      if (!has_length && next != 44) return by_protocol(next, offset);
      if (left(offset) < 8) return frame_.cut ? FrameKind::truncated : FrameKind::malformed_ip;
      const std::uint16_t fragment = word(offset + 2);
      // An atomic fragment is the whole datagram (RFC 6946).
      if (next == 44 && (fragment & 0xfff9) != 0) {
        frame_.protocol = bytes_[offset];
        frame_.next_header_at = static_cast<std::uint16_t>(next_at);
        return begin_fragment(offset + 8, fragment & 0xfff8U, (fragment & 1) != 0,
                              load32(&bytes_[offset + 4]));
      }
      const std::size_t length = has_length ? (bytes_[offset + 1] + 1U) * 8U : 8U;
      if (length > left(offset)) return frame_.cut ? FrameKind::truncated : FrameKind::malformed_ip;
      next_at = offset;
      offset += length;
    }
    return FrameKind::too_many_headers;
  }

  FrameKind begin_fragment(std::size_t data, std::size_t offset, bool more, std::uint32_t id) {
    frame_.payload_offset = static_cast<std::uint16_t>(data);
    frame_.payload_length = static_cast<std::uint16_t>(left(data));
    frame_.fragment_offset = static_cast<std::uint16_t>(offset);
    frame_.more_fragments = more;
    frame_.identification = id;
    return FrameKind::fragment;
  }

  FrameKind by_protocol(std::uint8_t protocol, std::size_t at) {
    frame_.protocol = protocol;
    frame_.transport_offset = static_cast<std::uint16_t>(at);
    switch (protocol) {
      case kProtocolTcp:
        return tcp(at);
      case kProtocolUdp:
        return udp(at);
      case 4:
      case 41:
        return enter_ip() ? by_version(at) : FrameKind::too_many_headers;
      case 47:
        return gre(at);
      case kAuthenticationHeader: {  // RFC 4302 2: its length in words, less 2
        if (left(at) < 8) return FrameKind::truncated;
        const std::size_t length = (bytes_[at + 1] + 2U) * 4U;
        const std::uint8_t next = bytes_[at];
        if (length > left(at) || next == kAuthenticationHeader) return FrameKind::malformed_ip;
        return by_protocol(next, at + length);
      }
      default:
        return FrameKind::other_protocol;
    }
  }

  bool enter_ip() {
    return enter(frame_.ipv6 ? LayerKind::ipv6 : LayerKind::ipv4, frame_.network_offset);
  }

  FrameKind gre(std::size_t at) {
    const Gre header = parse_gre(bytes_.first(end_).subspan(at));
    if (header.octets == 0) return FrameKind::other_protocol;
    if (!enter_ip() || !enter(LayerKind::gre, at)) return FrameKind::too_many_headers;
    return by_ethertype(header.ethertype, at + header.octets);
  }

  FrameKind tcp(std::size_t at) {
    const FrameKind bad = frame_.cut ? FrameKind::truncated : FrameKind::malformed_transport;
    if (left(at) < kTcpMinOctets) return bad;
    const std::size_t header = (bytes_[at + 12] >> 4) * 4U;
    if (header < kTcpMinOctets || header > left(at)) return bad;
    frame_.payload_offset = static_cast<std::uint16_t>(at + header);
    frame_.payload_length = static_cast<std::uint16_t>(left(at) - header);
    return FrameKind::tcp;
  }

  FrameKind udp(std::size_t at) {
    const FrameKind bad = frame_.cut ? FrameKind::truncated : FrameKind::malformed_transport;
    if (left(at) < kUdpOctets) return bad;
    std::size_t length = word(at + 4);
    // A jumbogram's length (RFC 2675 4), which Linux takes of any IPv6 packet.
    if (length == 0 && frame_.ipv6) length = left(at);
    if (length < kUdpOctets) return bad;
    if (length > left(at)) {
      if (!frame_.cut) return bad;
      length = left(at);
    }
    frame_.payload_offset = static_cast<std::uint16_t>(at + kUdpOctets);
    frame_.payload_length = static_cast<std::uint16_t>(length - kUdpOctets);
    const UdpTunnel tunnel = parse_udp_tunnel(
        word(at), word(at + 2), bytes_.subspan(frame_.payload_offset, frame_.payload_length));
    if (tunnel.octets == 0) return FrameKind::udp;

    // What claims to be a tunnel and holds no IP packet is a datagram of its own.
    const Frame outer = frame_;
    const std::size_t outer_end = end_;
    end_ = at + length;
    const bool entered = enter_ip() && enter(LayerKind::udp, at) &&
                         (!tunnel.gtp || enter(LayerKind::gtp, frame_.payload_offset));
    if (!entered) return FrameKind::too_many_headers;
    const std::size_t inner = outer.payload_offset + tunnel.octets;
    FrameKind kind = FrameKind::not_ip;
    switch (tunnel.inner) {
      case Inner::ethernet:
        kind = ethernet(inner);
        break;
      case Inner::ppp:
        kind = ppp(inner);
        break;
      case Inner::ip:
        kind = by_version(inner);
        break;
      case Inner::by_ethertype:
        kind = by_ethertype(tunnel.ethertype, inner);
        break;
    }
    if (kind == FrameKind::udp || kind == FrameKind::tcp || kind == FrameKind::fragment ||
        kind == FrameKind::other_protocol) {
      return kind;
    }
    frame_ = outer;
    end_ = outer_end;
    return FrameKind::udp;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t end_;  // of what the headers so far say is theirs
  Frame& frame_;
};

}  // namespace

bool Frame::operator==(const Frame& other) const {
  const auto fields = [](const Frame& f) {
    return std::tuple(f.kind, f.ipv6, f.cut, f.protocol, f.vlan_count, f.outer_vlan, f.inner_vlan,
                      f.link_offset, f.network_offset, f.transport_offset, f.payload_offset,
                      f.payload_length, f.more_fragments, f.fragment_offset, f.next_header_at,
                      f.identification);
  };
  return fields(*this) == fields(other) &&
         std::equal(layers.begin(), layers.begin() + layer_count, other.layers.begin(),
                    other.layers.begin() + other.layer_count);
}

void parse_any_frame(std::span<const std::uint8_t> bytes, Frame& frame) {
  // Offsets are 16 bits wide; a larger frame carries nothing that is judged beyond them.
  Walk(bytes.first(std::min<std::size_t>(bytes.size(), UINT16_MAX)), frame).run();
}

TcpOptions tcp_options(std::span<const std::uint8_t> bytes, const Frame& frame) {
  TcpOptions out;
  std::size_t at = frame.transport_offset + kTcpMinOctets;
  while (at < frame.payload_offset && bytes[at] != 0) {
    if (bytes[at] == 1) {
      ++at;
      continue;
    }
    if (frame.payload_offset - at < 2) break;
    const std::size_t length = bytes[at + 1];
    if (length < 2 || length > frame.payload_offset - at) break;
    if (bytes[at] == 8 && length == 10) {
      out.has_timestamps = true;
      out.timestamp = load32(&bytes[at + 2]);
      out.echoed = load32(&bytes[at + 6]);
    }
    at += length;
  }
  return out;
}

}  // namespace sluice::packet
