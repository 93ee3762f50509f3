// What a frame costs in the pipeline with a real list and the frames of captures, without ports:
//   burst_bench GENERATION INSIDE.pcap [OUTSIDE.pcap]
// A burst from inside and one from outside in turn; each frame is copied into a buffer first, which
// is not counted. Prints the least and the median cycles a frame of the time-stamp counter over the
// rounds (ROUNDS in the environment, of 60 ms), for two builds to be compared in turn. A round is
// its median turn, so that what takes the CPU away does not count. The policy is the generation's,
// as of now or of AT in the environment (Unix time), with budgets of which nothing is spent; or
// where it carries none a small one, with safe search on where SAFE_SEARCH is in the environment.
// With BURSTS in the environment, so many of each side and no more, at the same moments in every
// run: what valgrind counts of two such runs differs by what the frames between them cost.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>
#include <x86intrin.h>

#include "config/generation/reader.h"
#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"

namespace sluice {
namespace {

using pipeline::kBurst;
using Frames = std::vector<std::vector<std::uint8_t>>;

constexpr unsigned kRounds = 9;
constexpr auto kRound = std::chrono::milliseconds(60);

Frames read_capture(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> octets{std::istreambuf_iterator<char>(file), {}};
  Frames frames;
  std::size_t at = 24;
  while (at + 16 <= octets.size()) {
    std::uint32_t length = 0;
    std::memcpy(&length, &octets[at + 8], 4);
    at += 16;
    SLUICE_EXPECT(length <= octets.size() - at);
    frames.emplace_back(octets.begin() + static_cast<std::ptrdiff_t>(at),
                        octets.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
  }
  SLUICE_EXPECT(frames.size() >= kBurst);
  return frames;
}

/// A capture that is played over and over.
struct Side {
  Frames frames;
  bool inside;
  std::size_t next = 0;

  void fill(std::span<pipeline::Packet> packets, std::span<std::array<std::uint8_t, 2048>> into) {
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const auto& frame = frames[next];
      next = next + 1 == frames.size() ? 0 : next + 1;
      std::memcpy(into[i].data(), frame.data(), frame.size());
      pipeline::Packet& packet = packets[i];
      packet.data = into[i].data();
      packet.length = static_cast<std::uint32_t>(frame.size());
      packet.capacity = 2048;
      packet.judge = inside;
      packet.answers = !inside;
    }
  }
};

int run(int argc, char** argv) {
  SLUICE_EXPECT(argc >= 3);
  auto generation = generation::Generation::open(argv[1]);
  SLUICE_EXPECT(generation);
  const auto snapshot = fuzz::make_snapshot(
      *generation, policy::DnsAnswer::nxdomain,
      std::getenv("SAFE_SEARCH") == nullptr ? policy::SafeSearch::off : policy::SafeSearch::strict);
  if (!(*generation)->policy_json().empty()) {
    if (!snapshot->policy().budgets.empty()) snapshot->set_budgets({1, 1, nullptr});
    const char* const at = std::getenv("AT");
    (void)snapshot->set_time(policy::Moment{at != nullptr ? std::atoll(at) : std::time(nullptr)});
  }
  stats::Counters counters;
  stats::EventRing events;
  const auto pipeline = std::make_unique<pipeline::Pipeline>(0, 7, counters, &events);
  std::vector<Side> sides;
  sides.push_back({read_capture(argv[2]), true});
  if (argc > 3) sides.push_back({read_capture(argv[3]), false});

  std::array<pipeline::Packet, kBurst> packets;
  std::array<std::array<std::uint8_t, 2048>, kBurst> buffers;
  if (const char* const bursts = std::getenv("BURSTS")) {
    for (int i = 0; i < std::atoi(bursts); ++i) {
      for (Side& side : sides) {
        side.fill(packets, buffers);
        pipeline->process(*snapshot, packets, 1000 + static_cast<std::uint64_t>(i) / 100);
      }
      stats::BlockEvent event;
      while (events.pop(event)) {
      }
    }
    return 0;
  }
  std::vector<double> cycles;
  const char* const asked = std::getenv("ROUNDS");
  const unsigned rounds = asked != nullptr ? static_cast<unsigned>(std::atoi(asked)) : kRounds;
  for (unsigned round = 0; round < rounds; ++round) {
    std::vector<std::uint64_t> turns;
    const auto end = std::chrono::steady_clock::now() + kRound;
    while (std::chrono::steady_clock::now() < end) {
      for (unsigned i = 0; i < 256; ++i) {
        std::uint64_t spent = 0;
        for (Side& side : sides) {
          side.fill(packets, buffers);
          const std::uint64_t before = __rdtsc();
          pipeline->process(*snapshot, packets, before / 2'000'000);
          spent += __rdtsc() - before;
        }
        turns.push_back(spent);
        stats::BlockEvent event;
        while (events.pop(event)) {
        }
      }
    }
    const auto middle = turns.begin() + static_cast<std::ptrdiff_t>(turns.size() / 2);
    std::nth_element(turns.begin(), middle, turns.end());
    cycles.push_back(static_cast<double>(*middle) / static_cast<double>(kBurst * sides.size()));
  }
  std::sort(cycles.begin(), cycles.end());
  std::printf("%8.1f least %8.1f median\n", cycles.front(), cycles[cycles.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::run(argc, argv); }
