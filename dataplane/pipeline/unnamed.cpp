// Frames of devices that may reach nothing but curated names: what carries no name is refused, but
// for what keeps a network together. A connection passes while its name is being read, and then as
// long as it is known to have been let through under a name that may be reached.
#include <algorithm>

#include "dataplane/packet/bytes.h"
#include "dataplane/pipeline/pipeline.h"

namespace sluice::pipeline {
namespace {

using packet::FrameKind;
using stats::Id;

constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kIgmp = 2;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kNtpPort = 123;
/// RFC 5905 7.3, with the extension fields of RFC 8915: what is longer is not the time.
constexpr std::size_t kMaxNtpOctets = 1024;

/// RFC 4443: errors, by which senders learn the path's MTU. RFC 2710, RFC 4861: multicast
/// listeners, routers and neighbours, 130 to 137; RFC 3810: 143.
bool is_needed_icmpv6(std::uint8_t type) {
  return type < 128 || (type >= 130 && type <= 137) || type == 143;
}
/// RFC 792: unreachable, time exceeded, parameter problem. No echo: it carries what one likes.
bool is_needed_icmp(std::uint8_t type) { return type == 3 || type == 11 || type == 12; }

bool is_ip(const packet::Layer& layer) {
  return layer.kind == packet::LayerKind::ipv4 || layer.kind == packet::LayerKind::ipv6;
}

/// And in no IP packet either: a tunnel may carry anything, such as PPP that is encrypted.
bool is_not_ip(const packet::Frame& frame) {
  return frame.kind == FrameKind::not_ip &&
         std::none_of(frame.layers.begin(), frame.layers.begin() + frame.layer_count, is_ip);
}

/// Of a frame whose innermost IP header ends before its addresses do, the one around it tells whose
/// it is. False where there is none: no station takes such a frame.
bool find_addresses(Packet& packet) {
  packet::Frame& frame = packet.frame;
  if (frame.kind != FrameKind::truncated) return true;
  if (frame.network_offset != 0 &&
      frame.network_offset + (frame.ipv6 ? 40U : 20U) <= packet.view.size()) {
    return true;
  }
  for (std::size_t i = frame.layer_count; i > 0; --i) {
    const packet::Layer& layer = frame.layers[i - 1];
    if (!is_ip(layer)) continue;
    frame.network_offset = layer.offset;
    frame.ipv6 = layer.kind == packet::LayerKind::ipv6;
    return true;
  }
  return false;
}

bool is_needed(const Packet& packet) {
  const packet::Frame& frame = packet.frame;
  if (packet::is_group_addressed(packet.view, frame) || frame.protocol == kIgmp) return true;
  if (frame.transport_offset >= packet.view.size()) return false;
  const std::uint8_t type = packet.view[frame.transport_offset];
  return frame.protocol == kIcmp     ? is_needed_icmp(type)
         : frame.protocol == kIcmpv6 ? is_needed_icmpv6(type)
                                     : false;
}

/// RFC 2131 3: what stands in front of the options, and their cookie.
bool is_dhcp(std::span<const std::uint8_t> message) {
  constexpr std::size_t kCookieAt = 236;
  return message.size() >= kCookieAt + 4 && (message[0] == 1 || message[0] == 2) &&
         packet::load32(&message[kCookieAt]) == 0x63825363U;
}
/// RFC 5905 7.3: a client's question or a server's answer.
bool is_ntp(std::span<const std::uint8_t> message) {
  if (message.size() < 48 || message.size() > kMaxNtpOctets) return false;
  const unsigned version = message[0] >> 3 & 7U;
  const unsigned mode = message[0] & 7U;
  return version >= 2 && version <= 4 && (mode == 3 || mode == 4);
}

/// DHCP (RFC 2131 4.1), DHCPv6 (RFC 8415 7.2, 14), NTP. A port alone is no reason: anything may be
/// sent to it.
bool is_needed_datagram(const flow::Key& key, std::span<const std::uint8_t> message,
                        bool from_server) {
  // DHCP's own server may ask from any port for the client's.
  const auto is_to = [&](std::uint16_t servers, std::uint16_t clients) {
    return key.server_port == servers || key.server_port == clients ||
           (from_server && key.client_port == clients);
  };
  if (key.server_port == kNtpPort) return is_ntp(message);
  if (!key.ipv6) return is_to(67, 68) && is_dhcp(message);
  const bool link_local = key.client[0] == 0xfe && (key.client[1] & 0xc0) == 0x80;
  return link_local && is_to(547, 546);
}

/// A resolver that is new asks for the root's servers (RFC 9609), which is no name to be judged.
/// What a client may say so is short.
bool is_about_root(std::span<const std::uint8_t> message, bool from_server) {
  return message.size() >= 17 && (from_server || message.size() <= 64) &&
         packet::load16(&message[4]) == 1 && message[12] == 0;
}

}  // namespace

void Pipeline::refuse_unnamed(std::span<Packet> packets) {
  // A bit a frame that carries a name: one that was refused does not go on.
  std::uint32_t named = let_through_;
  for (const Finding& one : findings()) named |= std::uint32_t{1} << one.packet;
  for (Packet& packet : packets) {
    if (packet.fate != Fate::forward && packet.fate != Fate::rewrite) continue;
    // Of a capture, which does not tell from which side a frame came, the client's side is taken,
    // unless it is a server's by what is known of the connection.
    if (!packet.judge && !packet.answers) continue;
    // Most frames pass whosever they are. Without octets, nothing is said; a reset may carry some
    // (RFC 9293 section 3.5.3).
    const bool tcp = packet.frame.kind == FrameKind::tcp;
    if (tcp && packet.frame.payload_length == 0) continue;
    if ((tcp || packet.frame.kind == FrameKind::udp) && (named >> index_of(packet) & 1) != 0) {
      continue;
    }
    if (is_not_ip(packet.frame) || !find_addresses(packet)) continue;
    // A piece of a datagram is nothing without the last one, which is judged; unless there is none
    // that would be, for it is not put together.
    if (packet.frame.kind == FrameKind::fragment && packet.fragment) continue;
    const bool from_server = !packet.judge;
    if (!may_be_curated(packet, from_server)) continue;
    const policy::Masks& masks = masks_of(packet, from_server);
    if (!masks.curated || !masks.refuse_unnamed) continue;
    if (may_pass_unnamed(packet, from_server, masks)) continue;
    const bool either = packet.judge && packet.answers;
    if (either && may_pass_unnamed(packet, true, masks_of(packet, true))) continue;
    counters_.add(Id::unnamed_refused);
    if (packet.pieced) fragments_.block(packet.datagram, index_of(packet));
    end_connection(packet);
  }
}

bool Pipeline::may_pass_unnamed(const Packet& packet, bool from_server,
                                const policy::Masks& masks) {
  const packet::Frame& frame = packet.frame;
  const bool tcp = frame.kind == FrameKind::tcp;
  if (!tcp && frame.kind != FrameKind::udp) {
    return frame.kind == FrameKind::other_protocol && is_needed(packet);
  }
  const flow::Key key = key_of(packet, from_server);
  if (!tcp) {
    if (packet::is_group_addressed(packet.view, frame)) return true;
    if (is_needed_datagram(key, payload_of(packet), from_server)) return true;
    if (key.server_port == kDnsPort && is_about_root(payload_of(packet), from_server)) return true;
  }
  const std::uint64_t hash = flow::hash(key, secret_);
  if (const flow::Admitted* const what = active_.find(key, hash, now_ms_)) {
    const bool tells = what->order == snapshot_->curated().order();
    return what->always || masks.lets_through(tells ? what->lists : 0, what->categories);
  }
  if (!flows_.may_hold(hash)) return false;
  const flow::Flow* const flow = flows_.find(key, hash);
  if (flow == nullptr || flow->state != flow::State::undecided || flow->closing) return false;
  // A server waits for the whole of what a client says, but HTTP/2's for its settings.
  const auto is_awaited = [](const flow::Reading& one) {
    return one.in_progress() && one.kind != flow::Kind::h2;
  };
  return !tcp || !from_server ||
         std::none_of(flow->readings.begin(), flow->readings.begin() + flow->reading_count,
                      is_awaited);
}

}  // namespace sluice::pipeline
