// What opening one Initial costs, and what its parts do: key derivation, AES through OpenSSL, AES
// through Intel's multi-buffer library where that is there.
//
//     quic_bench                           (one core; pin it with taskset)
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cstdlib>

#include "dataplane/act/quic_close.h"
#include "dataplane/inspect/quic/initial.h"
#include "tests/unit/dataplane/quic/initial_builder.h"
#ifdef SLUICE_BENCH_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

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
  flow::AssemblyStorage<4096> storage;
  flow::Assembly stream{storage};
  quic::Connection connection;
  quic::Result result;
  Bytes datagram = make_initial(test::from_hex("8394c8f03e515708"));
};

void inspect_cached_keys(benchmark::State& state) {
  Setup s;
  for (auto _ : state) {
    s.stream.clear();
    if (quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result) !=
        inspect::Outcome::found) {
      state.SkipWithError("not found");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(inspect_cached_keys);

void inspect_new_keys(benchmark::State& state) {
  Setup s;
  for (auto _ : state) {
    s.stream.clear();
    s.connection.origin_count = 0;
    if (quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result) !=
        inspect::Outcome::found) {
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
    (void)quic::inspect(make_initial(Bytes(8, i)), *s.crypto, s.connection, s.stream, s.result);
  }
  s.datagram.back() ^= 1;
  for (auto _ : state) {
    if (quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result) !=
        inspect::Outcome::malformed) {
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

void write_close(benchmark::State& state) {
  Setup s;
  (void)quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result);
  Bytes out(act::kMaxQuicCloseOctets);
  for (auto _ : state) {
    benchmark::DoNotOptimize(act::write_quic_close(
        s.connection, "blocked: gambling; incident 0000002A", *s.crypto, out.data()));
  }
}
BENCHMARK(write_close);

/// Mask and payload of one packet, keys at hand but not expanded.
void aes_openssl(benchmark::State& state) {
  Setup s;
  (void)quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result);
  const quic::Keys keys = s.connection.origin()->keys;
  Bytes header(s.datagram.begin(), s.datagram.begin() + kHeaderOctets);
  header[0] = 0xc0;
  header.back() = 0;
  const auto sealed = std::span<const std::uint8_t>(s.datagram).subspan(kHeaderOctets);
  const auto sample = sealed.subspan(3).first<quic::kSampleOctets>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(s.crypto->header_mask(keys, sample));
    if (!s.crypto->open(keys, 0, header, sealed, s.crypto->scratch().data())) {
      state.SkipWithError("not opened");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(aes_openssl);

#ifdef SLUICE_BENCH_IPSEC_MB
using Manager = std::unique_ptr<IMB_MGR, void (*)(IMB_MGR*)>;

Manager make_manager() {
  Manager manager(alloc_mb_mgr(0), free_mb_mgr);
  init_mb_mgr_auto(manager.get(), nullptr);
  return manager;
}

/// As aes_openssl, by the library's direct calls.
void aes_ipsec_mb(benchmark::State& state) {
  Setup s;
  (void)quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result);
  const quic::Keys keys = s.connection.origin()->keys;
  const Manager manager = make_manager();
  Bytes header(s.datagram.begin(), s.datagram.begin() + kHeaderOctets);
  header[0] = 0xc0;
  header.back() = 0;
  const std::uint8_t* sealed = s.datagram.data() + kHeaderOctets;
  const std::size_t octets = s.datagram.size() - kHeaderOctets - quic::kTagOctets;
  alignas(64) gcm_key_data key;
  alignas(64) gcm_context_data context;
  alignas(16) std::uint32_t encrypt[4 * 15];
  alignas(16) std::uint32_t decrypt[4 * 15];
  std::array<std::uint8_t, 16> mask;
  std::array<std::uint8_t, quic::kTagOctets> tag;
  for (auto _ : state) {
    IMB_AES_KEYEXP_128(manager.get(), keys.header.data(), encrypt, decrypt);
    IMB_AES128_CFB_ONE(manager.get(), mask.data(), tag.data(), sealed + 3, encrypt, 16);
    IMB_AES128_GCM_PRE(manager.get(), keys.key.data(), &key);
    IMB_AES128_GCM_DEC(manager.get(), &key, &context, s.crypto->scratch().data(), sealed, octets,
                       keys.iv.data(), header.data(), header.size(), tag.data(), tag.size());
    benchmark::DoNotOptimize(mask);
  }
  if (!std::equal(tag.begin(), tag.end(), sealed + octets)) state.SkipWithError("not opened");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(aes_ipsec_mb);

/// The payload alone, in bursts of cipher jobs, each with a key of its own.
void aes_ipsec_mb_burst(benchmark::State& state) {
  Setup s;
  (void)quic::inspect(s.datagram, *s.crypto, s.connection, s.stream, s.result);
  const quic::Keys keys = s.connection.origin()->keys;
  const Manager manager = make_manager();
  Bytes header(s.datagram.begin(), s.datagram.begin() + kHeaderOctets);
  header[0] = 0xc0;
  header.back() = 0;
  const std::uint8_t* sealed = s.datagram.data() + kHeaderOctets;
  const std::size_t octets = s.datagram.size() - kHeaderOctets - quic::kTagOctets;
  constexpr std::size_t kBurst = 32;
  struct alignas(64) Job {
    gcm_key_data key;
    std::array<std::uint8_t, 2048> out;
    std::array<std::uint8_t, quic::kTagOctets> tag;
  };
  std::vector<Job> jobs(kBurst);
  for (auto _ : state) {
    for (Job& job : jobs) {
      IMB_AES128_GCM_PRE(manager.get(), keys.key.data(), &job.key);
      IMB_JOB* request = IMB_GET_NEXT_JOB(manager.get());
      request->cipher_mode = IMB_CIPHER_GCM;
      request->hash_alg = IMB_AUTH_AES_GMAC;
      request->cipher_direction = IMB_DIR_DECRYPT;
      request->chain_order = IMB_ORDER_HASH_CIPHER;
      request->key_len_in_bytes = 16;
      request->enc_keys = &job.key;
      request->dec_keys = &job.key;
      request->src = sealed;
      request->dst = job.out.data();
      request->cipher_start_src_offset_in_bytes = 0;
      request->hash_start_src_offset_in_bytes = 0;
      request->msg_len_to_cipher_in_bytes = octets;
      request->msg_len_to_hash_in_bytes = octets;
      request->iv = keys.iv.data();
      request->iv_len_in_bytes = keys.iv.size();
      request->u.GCM.aad = header.data();
      request->u.GCM.aad_len_in_bytes = header.size();
      request->auth_tag_output = job.tag.data();
      request->auth_tag_output_len_in_bytes = job.tag.size();
      benchmark::DoNotOptimize(IMB_SUBMIT_JOB_NOCHECK(manager.get()));
    }
    while (IMB_FLUSH_JOB(manager.get()) != nullptr) {
    }
  }
  for (const Job& job : jobs) {
    if (!std::equal(job.tag.begin(), job.tag.end(), sealed + octets)) {
      state.SkipWithError("not opened");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBurst));
}
BENCHMARK(aes_ipsec_mb_burst);
#endif

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
