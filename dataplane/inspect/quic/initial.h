// Finds the server names in a QUIC client's Initial packets: opens them with the keys that anyone
// on the path can derive, and tells whose CRYPTO stream their frames belong to. RFC 9000
// sections 7.2, 12.2, 17.2.2 and 17.2.5; RFC 9001 section 5.2; RFC 9369 section 4.
//
// The tag of AES-128-GCM is the proof that octets are QUIC: a packet that no key opens says nothing
// and changes nothing, and no server can open it either. Of keys that anyone can derive, it is no
// proof which: one packet can be made to open under two sets of them, with another payload each.
// Which one its server has depends on what it took before, so that both payloads are read.
//
// Thread safety: a Connection belongs to one lcore, as does the Crypto.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dataplane/inspect/outcome.h"
#include "dataplane/inspect/quic/crypto.h"
#include "dataplane/inspect/quic/packet.h"
#include "dataplane/inspect/tls/client_hello.h"

namespace sluice::inspect::quic {

/// A Retry and a change of version after it need three; another connection on the same ports, more.
inline constexpr std::size_t kMaxOrigins = 4;
inline constexpr std::size_t kMaxStreams = kMaxOrigins;

/// One set of a client's Initial keys, and the connection ID that it comes from.
struct Origin {
  Version version = Version::none;
  std::uint8_t stream = 0;
  std::uint8_t number_count = 0;
  bool answered = false;     // the server's own Initial passed, and with it an ID of its own
  ConnectionId destination;  // of the keys
  ConnectionId latest;       // destination of the latest Initial: the server's, once it answered
  ConnectionId source;       // the client's own, of that Initial
  ConnectionId server;       // where answered
  /// One past the highest packet number seen, of up to three ranges: which of the packets the
  /// server took is not known.
  std::array<std::uint64_t, 3> numbers{};
  Keys keys{};
};

/// What has to be remembered of the client on one 5-tuple. Plain data.
/// Each attempt (a first connection ID and a version) has a CRYPTO stream of its own, since its
/// server keeps it apart from the others; after a change of version, an attempt's goes on.
struct Connection {
  /// Leaves the origins as they are: to clear them, in memory that is not at hand, takes as long as
  /// to open half a packet.
  Connection() {}  // NOLINT(modernize-use-equals-default)

  std::uint8_t origin_count = 0;
  std::uint8_t current = 0;    // the origin of the latest Initial
  bool lost = false;           // an attempt was forgotten before its stream was done
  std::uint8_t done = 0;       // a bit a stream: whoever reads it has read its ClientHello
  std::uint8_t forgotten = 0;  // likewise: it may be one that was forgotten, and lack a part
  union {
    std::array<Origin, kMaxOrigins> origins;  // the oldest first; so many as origin_count says
  };

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
  too_long,         // a packet over kMaxPacketOctets
};

/// An Initial that keys opened.
struct Opened {
  std::uint8_t stream = 0;               // below kMaxStreams: where its CRYPTO octets belong
  bool new_stream = false;               // what was held of the stream is another attempt's
  Dialect dialect = Dialect::ietf;       // of its frames
  std::span<const std::uint8_t> frames;  // in the Crypto's scratch, until the next call
};

class Opener;

/// Opens every client Initial of a UDP payload, which stays as it is.
class InitialReader {
 public:
  InitialReader(std::span<const std::uint8_t> datagram, Crypto& crypto, Connection& connection)
      : datagram_(datagram), crypto_(crypto), connection_(connection) {}

  /// The next one that opens, or the same one under other keys; false at the end, and then `out` is
  /// of no use. What opens nothing leaves the connection unchanged.
  bool next(Opened& out);
  /// The first one met so far; packets before it and behind it were looked at.
  [[nodiscard]] Defect defect() const { return defect_; }

 private:
  bool begin_packet();
  bool open(Opened& out);
  bool open_kept(Opener& opener);
  bool open_derived(Opener& opener, Opened& out);
  void note(Defect defect);

  std::span<const std::uint8_t> datagram_;
  Crypto& crypto_;
  Connection& connection_;
  Defect defect_ = Defect::none;
  bool initial_ = false;

  // The packet at hand.
  LongHeader header_;
  ConnectionId destination_;
  std::uint8_t untried_ = 0;  // a bit a kept origin
  bool underived_ = false;    // keys of the packet's own connection ID were not looked at
  bool opened_ = false;       // under some keys
};

/// The ClientHello, or CHLO, that a stream holds at its front.
[[nodiscard]] Outcome read_hello(std::span<const std::uint8_t> stream, Dialect dialect,
                                 tls::ClientHello& out);

/// Takes note of a server's datagram that goes on to the client: from then on, the client takes
/// packets of that source connection ID only (RFC 9000 section 7.2).
void note_answer(std::span<const std::uint8_t> datagram, Connection& connection);

}  // namespace sluice::inspect::quic
