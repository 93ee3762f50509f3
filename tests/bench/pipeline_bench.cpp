// What one frame costs in the pipeline, without ports: bursts of 32 of one kind, over and over.
#include <benchmark/benchmark.h>
#include <cstring>

#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/unit/dataplane/builder.h"

namespace sluice {
namespace {

using pipeline::kBurst;
using test::Bytes;

// Each frame of its own flow, `flows` of them in turn.
void run(benchmark::State& state, bool judge, std::uint32_t flows,
         const std::function<Bytes(std::uint16_t port)>& make) {
  const auto snapshot = fuzz::make_snapshot(fuzz::make_generation(), policy::DnsAnswer::nxdomain);
  stats::Counters counters;
  const auto pipeline = std::make_unique<pipeline::Pipeline>(0, 7, counters, nullptr);
  std::vector<Bytes> frames;
  for (std::uint32_t i = 0; i < flows; ++i) {
    frames.push_back(make(static_cast<std::uint16_t>(1024 + i)));
  }
  std::array<pipeline::Packet, kBurst> packets;
  std::array<std::array<std::uint8_t, 2048>, kBurst> buffers;
  std::size_t next = 0;
  std::uint64_t now_ms = 1000;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBurst; ++i) {
      const Bytes& frame = frames[next++ % frames.size()];
      std::memcpy(buffers[i].data(), frame.data(), frame.size());
      packets[i] = {};
      packets[i].data = buffers[i].data();
      packets[i].length = static_cast<std::uint32_t>(frame.size());
      packets[i].capacity = 2048;
      packets[i].judge = judge;
#ifndef SLUICE_BENCH_STATELESS
      packets[i].answers = !judge;
#endif
    }
#ifdef SLUICE_BENCH_STATELESS
    pipeline->process(*snapshot, packets);
#else
    pipeline->process(*snapshot, packets, now_ms);
#endif
    now_ms += 1;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBurst));
}

Bytes tcp(const Bytes& payload, std::uint16_t port) {
  return test::frame(payload, {.protocol = 6, .source_port = port, .destination_port = 443});
}

void bulk_from_inside(benchmark::State& state) {
  run(state, true, 4096, [](std::uint16_t port) { return tcp(Bytes(1000, 0x17), port); });
}
void bulk_from_outside(benchmark::State& state) {
  run(state, false, 4096, [](std::uint16_t port) { return tcp(Bytes(1400, 0x17), port); });
}
void bare_acks(benchmark::State& state) {
  run(state, true, 4096, [](std::uint16_t port) { return tcp({}, port); });
}
void dns_permitted(benchmark::State& state) {
  run(state, true, 4096, [](std::uint16_t port) {
    return test::frame(test::dns_query("www.permitted.org"), {.source_port = port});
  });
}
void dns_answered(benchmark::State& state) {
  run(state, true, 4096, [](std::uint16_t port) {
    return test::frame(test::dns_query("www.example.com"), {.source_port = port});
  });
}
void client_hello_permitted(benchmark::State& state) {
  run(state, true, 32768, [](std::uint16_t port) {
    return tcp(test::client_hello(test::server_name({"www.permitted.org"})), port);
  });
}
BENCHMARK(bulk_from_inside);
BENCHMARK(bulk_from_outside);
BENCHMARK(bare_acks);
BENCHMARK(dns_permitted);
BENCHMARK(dns_answered);
BENCHMARK(client_hello_permitted);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
