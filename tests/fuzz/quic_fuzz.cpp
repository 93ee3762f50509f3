// Any octets as UDP payloads of one client of QUIC or gQUIC: names lie in the assembly, the
// datagram stays as it is, and what no keys open changes nothing.
#include <cstring>

#include "dataplane/act/quic_close.h"
#include "dataplane/inspect/quic/gquic.h"
#include "dataplane/inspect/quic/initial.h"
#include "tests/fuzz/expect.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice::fuzz {
namespace {

namespace quic = inspect::quic;

struct State {
  std::unique_ptr<quic::Crypto> crypto = quic::Crypto::create();
  test::Streams streams;
  std::array<std::uint8_t, act::kMaxQuicCloseOctets> close;
};

void check_names(const flow::Assembly& stream, const test::Seen& seen) {
  const auto octets = stream.contiguous();
  const auto* start = reinterpret_cast<const char*>(octets.data());
  for (std::size_t i = 0; i < seen.hello.name_count; ++i) {
    const std::string_view name = seen.hello.names[i];
    SLUICE_EXPECT(name.empty() ||
                  (name.data() >= start && name.data() + name.size() <= start + octets.size()));
  }
}

void see_gquic(std::span<const std::uint8_t> datagram) {
  std::string_view name;
  if (quic::parse_gquic(datagram, name) != inspect::Outcome::found) return;
  const auto* at = reinterpret_cast<const std::uint8_t*>(name.data());
  SLUICE_EXPECT(quic::may_be_gquic(datagram) && !name.empty());
  SLUICE_EXPECT(at > datagram.data() && at + name.size() <= datagram.data() + datagram.size());
}

/// Google's own versions are refused by silence.
bool may_be_closed(const quic::Connection& connection) {
  const quic::Origin* origin = connection.origin();
  return origin != nullptr && quic::version_traits(origin->version)->dialect == quic::Dialect::ietf;
}

void see(State& state, std::span<const std::uint8_t> datagram, quic::Connection& connection) {
  const std::uint8_t before = connection.origin_count;
  const test::Seen seen = state.streams.see(datagram, *state.crypto, connection);
  SLUICE_EXPECT(connection.origin_count <= quic::kMaxOrigins);
  SLUICE_EXPECT(connection.current < quic::kMaxOrigins && seen.stream < quic::kMaxStreams);
  SLUICE_EXPECT((seen.outcome == inspect::Outcome::found) == (seen.hello.name_count > 0));
  if (seen.opened > 0) {
    SLUICE_EXPECT(quic::may_be_initial(datagram) && connection.origin() != nullptr);
  } else {
    SLUICE_EXPECT(seen.outcome == inspect::Outcome::malformed &&
                  seen.defect != quic::Defect::none && connection.origin_count == before);
  }
  check_names(state.streams[seen.stream], seen);
  const std::size_t length =
      act::write_quic_close(connection, "blocked", *state.crypto, state.close.data());
  SLUICE_EXPECT((length > 0) == may_be_closed(connection) && length <= state.close.size());
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static fuzz::State state;
  SLUICE_EXPECT(state.crypto != nullptr);
  state.streams.forget();
  inspect::quic::Connection connection;
  const std::span bytes(data, size);
  fuzz::see_gquic(bytes);
  auto& keys = state.crypto->client_keys();
  keys.begin_burst();
  for (std::size_t from = 0; from <= std::min<std::size_t>(size, 32); from += 8) {
    keys.expect(bytes.subspan(from));
  }
  fuzz::see(state, bytes, connection);
  fuzz::see(state, bytes, connection);
  // Behind a connection that is there already, its packets cut as the input's first octet says.
  if (size > 0) fuzz::see(state, bytes.subspan(std::min<std::size_t>(data[0], size)), connection);
  return 0;
}
