// What opening one Initial costs, and what its parts do: key derivation and AES, by the library
// that this build took; cmake -DIPSEC_MB=OFF makes that OpenSSL.
//
//     quic_bench                           (one core; pin it with taskset)
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdlib>

#include "dataplane/act/quic_close.h"
#include "dataplane/inspect/quic/initial.h"
#include "tests/unit/dataplane/quic/initial_builder.h"
#include "tests/unit/dataplane/quic/streams.h"

namespace sluice {
namespace {

namespace quic = inspect::quic;
using test::Bytes;

constexpr std::size_t kInitialOctets = 1200;
constexpr std::size_t kHeaderOctets = 19;  // to the packet number's end

/// The first Initial of a client whose ClientHello fills one datagram.
Bytes make_initial(const Bytes& destination) {
  Bytes datagram =
      test::protect(test::crypto_frame(0, test::handshake_hello("www.example.com", 200)),
                    {.destination = destination, .payload_least = 1165});
  if (datagram.size() != kInitialOctets) std::abort();
  return datagram;
}

struct Setup {
  std::unique_ptr<quic::Crypto> crypto = quic::Crypto::create();
  test::Streams streams;
  quic::Connection connection;
  Bytes datagram = make_initial(test::from_hex("8394c8f03e515708"));
};

void inspect_cached_keys(benchmark::State& state) {
  Setup s;
  for (auto _ : state) {
    s.streams[0].clear();
    if (s.streams.see(s.datagram, *s.crypto, s.connection).outcome != inspect::Outcome::found) {
      state.SkipWithError("not found");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(inspect_cached_keys);

void inspect_new_keys(benchmark::State& state) {
  Setup s;
  for (auto _ : state) {
    s.streams[0].clear();
    s.connection.origin_count = 0;
    s.crypto->client_keys().begin_burst();
    if (s.streams.see(s.datagram, *s.crypto, s.connection).outcome != inspect::Outcome::found) {
      state.SkipWithError("not found");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(inspect_new_keys);

/// The worst a flood can ask: kept keys of three connections, none of which fits, and new ones.
void inspect_no_keys(benchmark::State& state) {
  Setup s;
  for (std::uint8_t i = 0; i < quic::kMaxOrigins; ++i) {
    (void)s.streams.see(make_initial(Bytes(8, i)), *s.crypto, s.connection);
  }
  s.datagram.back() ^= 1;
  for (auto _ : state) {
    s.crypto->client_keys().begin_burst();
    if (s.streams.see(s.datagram, *s.crypto, s.connection).outcome != inspect::Outcome::malformed) {
      state.SkipWithError("opened");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(inspect_no_keys);

void may_be_initial(benchmark::State& state) {
  const Setup s{};
  for (auto _ : state) benchmark::DoNotOptimize(quic::may_be_initial(s.datagram));
}
BENCHMARK(may_be_initial);

void derive_keys(benchmark::State& state) {
  const auto* traits = quic::version_traits(quic::Version::v1);
  const Bytes destination(8, 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(quic::derive_keys(*traits, destination, quic::Side::client));
  }
}
BENCHMARK(derive_keys);

/// Those of so many connections at once, as a burst asks for them.
void derive_client_keys(benchmark::State& state) {
  const auto* traits = quic::version_traits(quic::Version::v1);
  std::vector<quic::ConnectionId> destinations(static_cast<std::size_t>(state.range(0)));
  std::vector<quic::Keys> keys(destinations.size());
  for (std::size_t i = 0; i < destinations.size(); ++i) {
    destinations[i].assign(Bytes(8, static_cast<std::uint8_t>(i)));
  }
  for (auto _ : state) {
    quic::derive_client_keys(*traits, destinations, keys);
    benchmark::DoNotOptimize(keys.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(derive_client_keys)->Arg(1)->Arg(2)->Arg(8)->Arg(16)->Arg(32);

void write_close(benchmark::State& state) {
  Setup s;
  (void)s.streams.see(s.datagram, *s.crypto, s.connection);
  Bytes out(act::kMaxQuicCloseOctets);
  for (auto _ : state) {
    benchmark::DoNotOptimize(act::write_quic_close(
        s.connection, "blocked: gambling; incident 0000002A", *s.crypto, out.data()));
  }
}
BENCHMARK(write_close);

/// Mask and payload of one packet, keys at hand but not expanded.
void aes(benchmark::State& state) {
  Setup s;
  (void)s.streams.see(s.datagram, *s.crypto, s.connection);
  const quic::Keys keys = s.connection.origin()->keys;
  Bytes header(s.datagram.begin(), s.datagram.begin() + kHeaderOctets);
  header[0] = 0xc0;
  header.back() = 0;
  const auto sealed = std::span<const std::uint8_t>(s.datagram).subspan(kHeaderOctets);
  const auto sample = sealed.subspan(3).first<quic::kSampleOctets>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(s.crypto->begin(keys, sample));
    if (!s.crypto->open(0, header, sealed, s.crypto->scratch().data())) {
      state.SkipWithError("not opened");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(aes);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
