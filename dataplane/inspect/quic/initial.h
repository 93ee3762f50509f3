// Finds the server names in a QUIC client's Initial packets: opens them with the keys that anyone
// on the path can derive, puts their CRYPTO frames together over packets and datagrams, and reads
// the ClientHello. RFC 9000 sections 7.2, 12.2, 17.2.2 and 17.2.5; RFC 9001 section 5.2; RFC 9369
// section 4.
//
// The tag of AES-128-GCM is the proof that octets are QUIC: a packet that no key opens says nothing
// and changes nothing, and no server can open it either.
//
// Thread safety: a Connection and its Assembly belong to one lcore, as does the Crypto.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/flow/assembly.h"
#include "dataplane/inspect/outcome.h"
#include "dataplane/inspect/quic/crypto.h"
#include "dataplane/inspect/quic/packet.h"
#include "dataplane/inspect/tls/client_hello.h"

namespace sluice::inspect::quic {

/// A Retry and a change of version after it need three.
inline constexpr std::size_t kMaxOrigins = 3;

/// One set of a client's Initial keys, and the connection ID that it comes from.
struct Origin {
  Version version = Version::none;
  ConnectionId destination;
  std::uint64_t next_packet_number = 0;  // one past the highest seen
  Keys keys{};
};

/// What has to be remembered of the client on one 5-tuple. Plain data; value-initialised at first.
struct Connection {
  std::array<Origin, kMaxOrigins> origins;  // the oldest first
  std::uint8_t origin_count = 0;
  std::uint8_t current = 0;  // the origin that the held CRYPTO stream belongs to
  bool origin_lost = false;  // there were more than fit
  ConnectionId destination;  // of the latest Initial that opened: the server's, once it answered
  ConnectionId source;       // the client's own, of that Initial
  bool answered = false;     // the server's own Initial passed, and with it this ID of its own
  ConnectionId server;

  /// Null before any Initial opened.
  [[nodiscard]] const Origin* origin() const {
    return origin_count == 0 ? nullptr : &origins[current];
  }
};

enum class Defect : std::uint8_t {
  none,
  not_initial,      // no Initial packet in the datagram
  unknown_version,  // a long header of a version that is not known
  cut,              // a header or a packet that ends past the datagram
  connection_id,    // over 20 octets
  no_keys,          // an Initial that no keys opened
  too_long,         // a packet over kMaxPacketOctets, or a ClientHello over the assembly's capacity
  bad_frame,        // an opened packet that breaks off or has a frame of an unknown type
  client_hello,     // Result::hello.defect says how
};

struct Result {
  Defect defect = Defect::none;     // the first one; frames and packets before it were used
  tls::ClientHello hello;           // its names point into the assembly
  std::uint32_t opened = 0;         // Initials
  std::uint32_t crypto_octets = 0;  // in them; 0 if they cannot have told anything new
  /// Another connection attempt than the one whose octets were held (a Retry's answer, a second
  /// connection): the assembly was cleared before.
  bool new_stream = false;
  /// With new_stream: an attempt that may have had a part of its ClientHello inspected, and given
  /// up, before. The server may hold more of it than the assembly. Dropping this datagram is safe:
  /// the client sends its CRYPTO octets again, and then they are all here.
  bool forgotten = false;
  bool conflict = false;  // a CRYPTO octet came twice with two values; the first one is kept
};

/// Opens every client Initial of a UDP payload and adds its CRYPTO octets to `stream`, which has to
/// be the same, or empty, at each call for a connection. The datagram stays as it is.
///
/// Outcome: of the ClientHello as far as it is there. malformed, with `defect`, also if nothing
/// opened: connection and stream are unchanged then.
[[nodiscard]] Outcome inspect(std::span<const std::uint8_t> datagram, Crypto& crypto,
                              Connection& connection, flow::Assembly& stream, Result& out);

/// Takes note of a server's datagram that goes on to the client: from then on, the client takes
/// packets of that source connection ID only (RFC 9000 section 7.2).
void note_answer(std::span<const std::uint8_t> datagram, Connection& connection);

}  // namespace sluice::inspect::quic
