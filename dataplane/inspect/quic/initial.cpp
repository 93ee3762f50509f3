#include "dataplane/inspect/quic/initial.h"

#include <bit>

#include "dataplane/inspect/quic/gquic.h"
#include "dataplane/inspect/quic/opener.h"

namespace sluice::inspect::quic {
namespace {

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

bool is_known(const Connection& connection, Version version, const ConnectionId& destination) {
  for (std::size_t i = 0; i < connection.origin_count; ++i) {
    const Origin& origin = connection.origins[i];
    if (origin.version == version && origin.destination == destination) return true;
  }
  return false;
}

/// Whom another attempt takes the place of: the oldest one whose ClientHello was read, else the
/// oldest, but not the current one.
std::size_t choose_lost(const Connection& connection) {
  const std::size_t oldest = connection.current == 0 ? 1 : 0;
  for (std::size_t i = 0; i < kMaxOrigins; ++i) {
    if (i != connection.current && (connection.done >> connection.origins[i].stream & 1) != 0) {
      return i;
    }
  }
  return oldest;
}

void lose(Connection& connection, std::size_t index) {
  auto& origins = connection.origins;
  const std::uint8_t stream = origins[index].stream;
  std::copy(origins.begin() + index + 1, origins.end(), origins.begin() + index);
  if (connection.current > index) --connection.current;
  --connection.origin_count;
  const bool shared =
      std::any_of(origins.begin(), origins.begin() + connection.origin_count,
                  [stream](const Origin& origin) { return origin.stream == stream; });
  if (!shared && (connection.done >> stream & 1) == 0) connection.lost = true;
}

std::uint8_t free_stream(const Connection& connection) {
  unsigned used = 0;
  for (std::size_t i = 0; i < connection.origin_count; ++i) {
    used |= 1U << connection.origins[i].stream;
  }
  return static_cast<std::uint8_t>(std::countr_one(used));
}

/// Keeps a new origin; its index. `of`: the attempt whose stream goes on under it, or null.
std::uint8_t keep(Connection& connection, Origin& origin, const Origin* of, bool& new_stream) {
  if (of != nullptr) origin.stream = of->stream;
  if (connection.origin_count == kMaxOrigins) lose(connection, choose_lost(connection));
  new_stream = of == nullptr;
  if (new_stream) {
    origin.stream = free_stream(connection);
    const auto bit = static_cast<std::uint8_t>(1U << origin.stream);
    connection.done &= static_cast<std::uint8_t>(~bit);
    connection.forgotten &= static_cast<std::uint8_t>(~bit);
    if (connection.lost) connection.forgotten |= bit;
  }
  connection.origins[connection.origin_count] = origin;
  return connection.origin_count++;
}

/// Whether the connection ID that a packet goes to says that it is this attempt's.
bool is_addressed(const Origin& origin, const ConnectionId& destination) {
  return origin.destination == destination || origin.latest == destination ||
         (origin.answered && origin.server == destination);
}

}  // namespace

void InitialReader::note(Defect defect) {
  if (defect_ == Defect::none) defect_ = defect;
}

bool InitialReader::next(Opened& out) {
  do {
    if ((untried_ != 0 || underived_) && open(out)) return true;
  } while (begin_packet());
  return false;
}

/// Goes on to the datagram's next Initial; false where there is none.
bool InitialReader::begin_packet() {
  HeaderDefect defect = HeaderDefect::none;
  while (!datagram_.empty() &&
         (defect = read_long_header(datagram_, header_)) == HeaderDefect::none) {
    datagram_ = datagram_.subspan(header_.packet.size());
    if (header_.type != PacketType::initial) continue;
    initial_ = true;
    if (!Opener(crypto_, header_).fits()) {
      note(header_.packet.size() > kMaxPacketOctets ? Defect::too_long : Defect::cut);
      continue;
    }
    untried_ = static_cast<std::uint8_t>((1U << connection_.origin_count) - 1);
    underived_ = true;
    opened_ = false;
    destination_.assign(header_.destination);
    return true;
  }
  datagram_ = {};
  if (!initial_) note(defect == HeaderDefect::none ? Defect::not_initial : defect_of(defect));
  return false;
}

/// Opens the packet at hand by keys that were not tried yet.
bool InitialReader::open(Opened& out) {
  Opener opener(crypto_, header_);
  out = Opened{};
  if (!open_kept(opener) && !open_derived(opener, out)) {
    if (!opened_) note(Defect::no_keys);
    return false;
  }
  opened_ = true;
  Origin& origin = connection_.origins[connection_.current];
  // Keys of this connection ID are those that opened it, or no connection begins with it.
  if (origin.destination == destination_ || (origin.answered && origin.server == destination_)) {
    underived_ = false;
  }
  origin.latest = destination_;
  origin.source.assign(header_.source);
  out.stream = origin.stream;
  out.dialect = header_.traits->dialect;
  out.frames = opener.payload();
  return true;
}

/// Tries the kept keys, since others have to be derived: the client's later Initials go to the
/// server's own connection ID but keep the keys. First those whose connection ID it is.
bool InitialReader::open_kept(Opener& opener) {
  const auto try_each = [&](std::uint8_t which, Chance chance) {
    for (; which != 0; which = untried_ & which) {
      const auto i = static_cast<std::uint8_t>(std::bit_width(which) - 1);  // the latest first
      untried_ &= static_cast<std::uint8_t>(~(1U << i));
      if (!opener.open(connection_.origins[i], chance)) continue;
      connection_.current = i;
      return true;
    }
    return false;
  };
  std::uint8_t addressed = 0;
  for (std::uint8_t i = 0; untried_ >> i != 0; ++i) {
    const Origin& origin = connection_.origins[i];
    const auto bit = static_cast<std::uint8_t>(1U << i);
    if (origin.version != header_.version) untried_ &= static_cast<std::uint8_t>(~bit);
    if (is_addressed(origin, destination_)) addressed |= bit;
  }
  if (!opened_ && try_each(untried_ & addressed, Chance::good)) return true;
  if (untried_ == 0) return false;
  untried_ = opener.sift(connection_.origins, untried_);
  return try_each(untried_ & addressed, Chance::slight) || try_each(untried_, Chance::slight);
}

/// Tries the keys after a change of version (RFC 9369 section 4.1), then the packet's own.
bool InitialReader::open_derived(Opener& opener, Opened& out) {
  if (!underived_) return false;
  underived_ = false;
  const auto open_from = [&](const ConnectionId& destination, const Origin* of) {
    if (is_known(connection_, header_.version, destination)) return false;  // it was tried
    Origin origin;
    origin.version = header_.version;
    origin.destination = destination;
    origin.keys = crypto_.client_keys().find(*header_.traits, destination);
    if (!opener.open(origin, opened_ ? Chance::slight : Chance::good)) return false;
    connection_.current = keep(connection_, origin, of, out.new_stream);
    return true;
  };
  if (const Origin* current = opened_ ? nullptr : connection_.origin()) {
    const ConnectionId destination = current->destination;
    // An attempt's stream goes on under the keys of another version only behind an answer of the
    // server (RFC 9369 section 4.1), whose connection ID the client then uses.
    if (open_from(destination, destination == destination_ ? nullptr : current)) return true;
  }
  return destination_.length >= kMinFirstDestinationOctets && open_from(destination_, nullptr);
}

Outcome read_hello(std::span<const std::uint8_t> stream, Dialect dialect, tls::ClientHello& out) {
  if (stream.empty()) return Outcome::need_more;
  if (dialect != Dialect::google) return tls::parse_handshake(stream, out);
  out = {};
  const Outcome outcome = parse_chlo(stream, out.names[0]);
  out.name_count = outcome == Outcome::found ? 1 : 0;
  out.complete = outcome != Outcome::need_more;
  out.consumed = out.complete ? stream.size() : 0;
  return outcome;
}

void note_answer(std::span<const std::uint8_t> datagram, Connection& connection) {
  LongHeader header;
  if (read_long_header(datagram, header) != HeaderDefect::none ||
      header.type != PacketType::initial) {
    return;
  }
  for (std::size_t i = 0; i < connection.origin_count; ++i) {
    Origin& origin = connection.origins[i];
    if (origin.answered || !origin.source.equals(header.destination)) continue;
    origin.answered = true;
    origin.server.assign(header.source);
  }
}

}  // namespace sluice::inspect::quic
