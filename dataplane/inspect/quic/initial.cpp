#include "dataplane/inspect/quic/initial.h"

#include <cstring>

#include "dataplane/inspect/quic/frames.h"
#include "dataplane/inspect/quic/gquic.h"
#include "dataplane/packet/bytes.h"

namespace sluice::inspect::quic {
namespace {

constexpr std::size_t kMaxPacketNumberOctets = 4;

void note(Result& out, Defect defect) {
  if (out.defect == Defect::none) out.defect = defect;
}

Defect defect_of(HeaderDefect defect) {
  switch (defect) {
    case HeaderDefect::none:
      return Defect::none;
    case HeaderDefect::short_header:
    case HeaderDefect::retry:
      return Defect::not_initial;
    case HeaderDefect::unknown_version:
      return Defect::unknown_version;
    case HeaderDefect::cut:
      return Defect::cut;
    case HeaderDefect::connection_id:
      return Defect::connection_id;
  }
  return Defect::not_initial;
}

/// RFC 9000 appendix A.3.
std::uint64_t whole_packet_number(std::uint64_t truncated, std::size_t octets,
                                  std::uint64_t expected) {
  const std::uint64_t window = std::uint64_t{1} << (8 * octets);
  const std::uint64_t candidate = (expected & ~(window - 1)) | truncated;
  if (candidate + window / 2 <= expected) return candidate + window;
  if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}

/// One Initial packet under the keys that may open it. Its header, then its payload, are laid into
/// the Crypto's scratch.
class Opener {
 public:
  Opener(Crypto& crypto, const LongHeader& header)
      : crypto_(crypto),
        packet_(header.packet),
        number_at_(header.packet_number_offset),
        scratch_(crypto.scratch().data()) {}

  /// Whether it is long enough to hold a sample, and short enough for the scratch.
  [[nodiscard]] bool fits() const {
    return packet_.size() >= number_at_ + kMaxPacketNumberOctets + kSampleOctets &&
           packet_.size() <= kMaxPacketOctets;
  }

  [[nodiscard]] bool open(Origin& origin) {
    const auto mask = crypto_.header_mask(
        origin.keys, packet_.subspan(number_at_ + kMaxPacketNumberOctets).first<kSampleOctets>());
    const auto first = static_cast<std::uint8_t>(packet_[0] ^ (mask[0] & 0x0f));
    const std::size_t octets = (first & 3U) + 1;
    const std::size_t payload_at = number_at_ + octets;
    std::memcpy(scratch_, packet_.data(), payload_at);
    scratch_[0] = first;
    std::uint64_t truncated = 0;
    for (std::size_t i = 0; i < octets; ++i) {
      scratch_[number_at_ + i] ^= mask[i + 1];
      truncated = truncated << 8 | scratch_[number_at_ + i];
    }
    const std::uint64_t number = whole_packet_number(truncated, octets, origin.next_packet_number);
    // A server that missed the packets before counts from 0.
    return open(origin, payload_at, number) ||
           (number != truncated && open(origin, payload_at, truncated));
  }

  [[nodiscard]] std::span<const std::uint8_t> payload() const { return payload_; }

 private:
  bool open(Origin& origin, std::size_t payload_at, std::uint64_t number) {
    const auto sealed = packet_.subspan(payload_at);
    if (!crypto_.open(origin.keys, number, {scratch_, payload_at}, sealed, scratch_ + payload_at)) {
      return false;
    }
    origin.next_packet_number = std::max(origin.next_packet_number, number + 1);
    payload_ = {scratch_ + payload_at, sealed.size() - kTagOctets};
    return true;
  }

  Crypto& crypto_;
  std::span<const std::uint8_t> packet_;
  std::size_t number_at_;
  std::uint8_t* scratch_;
  std::span<const std::uint8_t> payload_;
};

bool is_known(const Connection& connection, Version version,
              std::span<const std::uint8_t> destination) {
  for (std::size_t i = 0; i < connection.origin_count; ++i) {
    const Origin& origin = connection.origins[i];
    if (origin.version == version && origin.destination.equals(destination)) return true;
  }
  return false;
}

/// Keeps the origin in place of the oldest one that is not current, if need be; its index.
std::uint8_t keep(Connection& connection, const Origin& origin) {
  auto& origins = connection.origins;
  if (connection.origin_count == kMaxOrigins) {
    const std::size_t oldest = connection.current == 0 ? 1 : 0;
    std::copy(origins.begin() + oldest + 1, origins.end(), origins.begin() + oldest);
    if (connection.current > oldest) --connection.current;
    --connection.origin_count;
    connection.origin_lost = true;
  }
  origins[connection.origin_count] = origin;
  return connection.origin_count++;
}

/// Derives keys for the header's version from `destination`; if they open the packet, keeps them.
bool open_derived(const LongHeader& header, std::span<const std::uint8_t> destination,
                  Opener& opener, Connection& connection, std::uint8_t& index) {
  if (is_known(connection, header.version, destination)) return false;  // it was tried
  Origin origin;
  origin.version = header.version;
  origin.destination.assign(destination);
  origin.keys = derive_keys(*header.traits, destination, Side::client);
  if (!opener.open(origin)) return false;
  index = keep(connection, origin);
  return true;
}

/// Tries the kept keys first, since the others have to be derived: the client's later Initials go
/// to the server's own connection ID but keep the keys. Then the keys after a change of version
/// (RFC 9369 section 4.1), then the packet's own. A packet opens under one set only.
bool open_initial(const LongHeader& header, Opener& opener, Connection& connection,
                  std::uint8_t& index) {
  for (std::uint8_t i = connection.origin_count; i-- > 0;) {
    if (connection.origins[i].version == header.version && opener.open(connection.origins[i])) {
      index = i;
      return true;
    }
  }
  const Origin* current = connection.origin();
  if (current != nullptr) {
    const ConnectionId destination = current->destination;
    if (open_derived(header, destination.octets(), opener, connection, index)) {
      return true;
    }
  }
  return header.destination.size() >= kMinFirstDestinationOctets &&
         open_derived(header, header.destination, opener, connection, index);
}

/// Makes the origin at `index` the current one; its stream starts anew if it is of another attempt.
void turn_to(std::uint8_t index, bool was_kept, Connection& connection, flow::Assembly& stream,
             Result& out) {
  const Origin& to = connection.origins[index];
  const bool same =
      connection.origin_count == 1 ||
      connection.origins[connection.current].destination.equals(to.destination.octets());
  connection.current = index;
  if (same) return;
  stream.clear();
  out.new_stream = true;
  out.forgotten = was_kept || connection.origin_lost;
}

void inspect_initial(const LongHeader& header, Crypto& crypto, Connection& connection,
                     flow::Assembly& stream, Result& out) {
  Opener opener(crypto, header);
  if (!opener.fits()) {
    note(out, header.packet.size() > kMaxPacketOctets ? Defect::too_long : Defect::cut);
    return;
  }
  const std::uint8_t kept = connection.origin_count;
  const bool lost = connection.origin_lost;
  std::uint8_t index = 0;
  if (!open_initial(header, opener, connection, index)) {
    note(out, Defect::no_keys);
    return;
  }
  ++out.opened;
  const bool was_kept = connection.origin_count == kept && connection.origin_lost == lost;
  turn_to(index, was_kept, connection, stream, out);
  connection.destination.assign(header.destination);
  connection.source.assign(header.source);
  const FramesRead frames = read_frames(opener.payload(), header.traits->dialect, stream);
  out.crypto_octets += frames.crypto_octets;
  out.conflict = out.conflict || frames.conflict;
  if (frames.defect != FrameDefect::none) note(out, Defect::bad_frame);
}

Outcome read_chlo(std::span<const std::uint8_t> message, tls::ClientHello& out) {
  const Outcome outcome = parse_chlo(message, out.names[0]);
  out.name_count = outcome == Outcome::found ? 1 : 0;
  out.complete = outcome != Outcome::need_more;
  return outcome;
}

Outcome read_hello(const flow::Assembly& stream, Dialect dialect, Result& out) {
  const auto message = stream.contiguous();
  if (message.empty()) return Outcome::need_more;
  const Outcome outcome = dialect == Dialect::google ? read_chlo(message, out.hello)
                                                     : tls::parse_handshake(message, out.hello);
  if (outcome == Outcome::malformed) note(out, Defect::client_hello);
  if (outcome == Outcome::need_more && message.size() == stream.capacity()) {
    note(out, Defect::too_long);
    return Outcome::malformed;
  }
  return outcome;
}

}  // namespace

Outcome inspect(std::span<const std::uint8_t> datagram, Crypto& crypto, Connection& connection,
                flow::Assembly& stream, Result& out) {
  out = Result{};
  LongHeader header;
  HeaderDefect defect = HeaderDefect::none;
  bool initial = false;
  while (!datagram.empty() && (defect = read_long_header(datagram, header)) == HeaderDefect::none) {
    if (header.type == PacketType::initial) {
      initial = true;
      inspect_initial(header, crypto, connection, stream, out);
    }
    datagram = datagram.subspan(header.packet.size());
  }
  if (!initial) note(out, defect == HeaderDefect::none ? Defect::not_initial : defect_of(defect));
  if (out.opened == 0) return Outcome::malformed;
  return read_hello(stream, version_traits(connection.origin()->version)->dialect, out);
}

void note_answer(std::span<const std::uint8_t> datagram, Connection& connection) {
  LongHeader header;
  if (connection.answered || read_long_header(datagram, header) != HeaderDefect::none) return;
  if (header.type != PacketType::initial || !connection.source.equals(header.destination)) {
    return;
  }
  connection.answered = true;
  connection.server.assign(header.source);
}

}  // namespace sluice::inspect::quic
