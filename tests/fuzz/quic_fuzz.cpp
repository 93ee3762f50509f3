// Any octets as UDP payloads of one client of QUIC or gQUIC: names lie in the assembly, the
// datagram stays as it is, and what no keys open changes nothing.
#include <cstring>

#include "dataplane/act/quic_close.h"
#include "dataplane/inspect/quic/gquic.h"
#include "dataplane/inspect/quic/initial.h"
#include "tests/fuzz/expect.h"

namespace sluice::fuzz {
namespace {

namespace quic = inspect::quic;

struct State {
  std::unique_ptr<quic::Crypto> crypto = quic::Crypto::create();
  flow::AssemblyStorage<4096> storage;
  std::array<std::uint8_t, act::kMaxQuicCloseOctets> close;
};

void check_names(const State& state, const quic::Result& result) {
  const auto* start = reinterpret_cast<const char*>(state.storage.bytes);
  for (std::size_t i = 0; i < result.hello.name_count; ++i) {
    const std::string_view name = result.hello.names[i];
    SLUICE_EXPECT(name.empty() || (name.data() >= start && name.data() + name.size() <=
                                                               start + sizeof state.storage.bytes));
  }
}

void see_gquic(std::span<const std::uint8_t> datagram) {
  std::string_view name;
  if (quic::parse_gquic(datagram, name) != inspect::Outcome::found) return;
  const auto* at = reinterpret_cast<const std::uint8_t*>(name.data());
  SLUICE_EXPECT(quic::may_be_gquic(datagram) && !name.empty());
  SLUICE_EXPECT(at > datagram.data() && at + name.size() <= datagram.data() + datagram.size());
}

void see(State& state, std::span<const std::uint8_t> datagram, quic::Connection& connection,
         flow::Assembly& stream) {
  const quic::Connection before = connection;
  const std::uint32_t end = stream.end();
  quic::Result result;
  const inspect::Outcome outcome =
      quic::inspect(datagram, *state.crypto, connection, stream, result);
  SLUICE_EXPECT(connection.origin_count <= quic::kMaxOrigins);
  SLUICE_EXPECT(connection.current < quic::kMaxOrigins);
  SLUICE_EXPECT((outcome == inspect::Outcome::found) == (result.hello.name_count > 0));
  if (result.opened > 0) {
    SLUICE_EXPECT(quic::may_be_initial(datagram) && connection.origin() != nullptr);
  } else {
    SLUICE_EXPECT(outcome == inspect::Outcome::malformed && result.defect != quic::Defect::none);
    SLUICE_EXPECT(connection.origin_count == before.origin_count && stream.end() == end);
  }
  check_names(state, result);
  const std::size_t length =
      act::write_quic_close(connection, "blocked", *state.crypto, state.close.data());
  SLUICE_EXPECT((length > 0) == (connection.origin() != nullptr) && length <= state.close.size());
}

}  // namespace
}  // namespace sluice::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  static fuzz::State state;
  SLUICE_EXPECT(state.crypto != nullptr);
  flow::Assembly stream(state.storage);
  inspect::quic::Connection connection;
  const std::span bytes(data, size);
  fuzz::see_gquic(bytes);
  fuzz::see(state, bytes, connection, stream);
  fuzz::see(state, bytes, connection, stream);
  // Behind a connection that is there already, its packets cut as the input's first octet says.
  if (size > 0)
    fuzz::see(state, bytes.subspan(std::min<std::size_t>(data[0], size)), connection, stream);
  return 0;
}
