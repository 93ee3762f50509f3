// Two workers that judge, while generations are swapped under them, block events are collected, and
// other threads read their counters: under ThreadSanitizer, which finds what they share without an
// order between them. The frames are those of all packet cases, over and over.
//
// EAL starts once in a process: each test is run in one of its own, as ctest does.
#include <array>
#include <atomic>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <thread>

#include "config/generation/writer.h"
#include "dataplane/gateway/gateway.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr int kSwaps = 6;
constexpr std::uint32_t kWorkers = 2;
constexpr std::size_t kGlobalHeaderOctets = 24;
constexpr std::size_t kRecordHeaderOctets = 16;
constexpr std::size_t kMostFrameOctets = 2048;  // in one buffer

class Workers : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    write_generation(1);
    write_generation(2);
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path generation(std::uint64_t number) const {
    return folder_ / (std::to_string(number) + ".lmdb");
  }

  /// The two differ in a name, so that a name's place in the one is another's in the other.
  void write_generation(std::uint64_t number) {
    auto writer = generation::Writer::create(generation(number));
    ASSERT_TRUE(writer);
    const auto gambling = policy::find_category("gambling")->id;
    using generation::Record;
    if (number == 2) {
      ASSERT_TRUE(writer->append("com.other.", std::vector<Record>{{0, gambling}}));
    }
    ASSERT_TRUE(writer->append("example.blocked.", std::vector<Record>{{0, gambling}}));
    ASSERT_TRUE(writer->finish(number, "2026-01-01T00:00:00Z"));
  }

  /// The cases' frames as `captures` files, a case in one of them.
  std::string capture_device(std::size_t captures) {
    std::vector<std::string> octets(captures);
    std::size_t at = 0;
    for (const auto& folder : fs::directory_iterator(SLUICE_PACKET_CASES)) {
      std::ifstream in(folder.path() / "in.pcap", std::ios::binary);
      const std::string file{std::istreambuf_iterator<char>(in), {}};
      if (file.size() < kGlobalHeaderOctets) continue;
      std::string& out = octets[at++ % captures];
      if (out.empty()) out = file.substr(0, kGlobalHeaderOctets);
      append_frames(file, out);
    }
    std::string device = "pcap:infinite_rx=1";
    for (std::size_t i = 0; i < captures; ++i) {
      const fs::path path = folder_ / (std::to_string(i) + ".pcap");
      std::ofstream(path, std::ios::binary) << octets[i];
      device += ",rx=" + path.string();
    }
    return device;
  }

  void run_with(std::size_t queues) {
    schema::Config config;
    config.ports = {{"inside", capture_device(queues)}, {"outside", "null:no-rx=1"}};
    config.pairs = {{"wire", "inside", "outside"}};
    config.dataplane = {.workers = kWorkers,
                        .huge_pages = schema::HugePages::never,
                        .memory_mib = 128,
                        .idle_sleep_us = 0};
    config.policy.policies = {{"pupils", policy::bit(policy::find_category("gambling")->id), 0}};
    config.policy.default_policy = "pupils";
    // Who is named by an address is looked for among the frames of the cases.
    config.policy.groups = {
        {"staff", "pupils", {}, {policy::parse_prefix("192.0.2.200/32").value()}, {}, {}}};
    config.state_dir = folder_ / "state";
    config.run_dir = folder_ / "run";
    // Every second the masks of all groups are others.
    const std::int64_t now = std::time(nullptr);
    config.policy.schedules = {{"every other second", false, {}}};
    for (std::int64_t second = now; second < now + 600; ++second) {
      config.policy.schedules[0].toggles.push_back(second);
    }
    config.policy.schedules_from = now - 600;
    config.policy.schedules_until = now + 600;
    config.policy.policies[0].hours = {{0, policy::bit(policy::find_category("games")->id)}};
    auto gateway = gateway::Gateway::start(config, generation(1), gateway::WallClock(now));
    ASSERT_TRUE(gateway) << gateway.error().text();
    swap_and_read(**gateway);
  }

 private:
  static void append_frames(const std::string& file, std::string& out) {
    for (std::size_t at = kGlobalHeaderOctets; at + kRecordHeaderOctets <= file.size();) {
      std::uint32_t captured = 0;
      std::memcpy(&captured, &file[at + 8], sizeof captured);
      const std::size_t octets = kRecordHeaderOctets + captured;
      if (captured <= kMostFrameOctets) out.append(file, at, octets);
      at += octets;
    }
  }

  static void swap_and_read(gateway::Gateway& gateway) {
    // As telemetry's thread does.
    std::atomic<bool> done{false};
    std::uint64_t read = 0;
    std::thread reader([&] {
      while (!done.load(std::memory_order_relaxed)) {
        for (const auto& worker : gateway.workers()) {
          for (std::size_t i = 0; i < stats::kCounterCount; ++i) {
            read += worker->counters().value(static_cast<stats::Id>(i));
          }
          read += worker->counters().stages().sum(stats::Stage::classify);
        }
        std::this_thread::yield();
      }
    });
    const auto blocked = [&](std::size_t worker) {
      return gateway.workers()[worker]->counters().value(stats::Id::verdict_block);
    };
    const index::Snapshot::MaskTable* const masks = &gateway.snapshot()->now();
    for (std::uint64_t swap = 0; swap < kSwaps || &gateway.snapshot()->now() == masks; ++swap) {
      const std::array before = {blocked(0), blocked(1)};
      const auto attempt = gateway.prepare_trial(folder_of(gateway) / "1.lmdb");
      std::thread trial([&] { EXPECT_TRUE(attempt && attempt->make()) << "beside a load"; });
      auto loaded = gateway.load(folder_of(gateway) / (std::to_string(swap % 2 + 1) + ".lmdb"));
      EXPECT_TRUE(loaded);
      trial.join();
      while (blocked(0) == before[0] || blocked(1) == before[1]) {
        gateway.housekeeping();
        std::this_thread::yield();
      }
    }
    done.store(true, std::memory_order_relaxed);
    reader.join();
    EXPECT_GT(read, 0U);
    EXPECT_FALSE(gateway.history().empty());
  }

  static fs::path folder_of(const gateway::Gateway& gateway) {
    return gateway.config().run_dir.parent_path();
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("sluice-workers-" + std::to_string(getpid()));
};

TEST_F(Workers, EachWithAQueueOfItsOwn) { run_with(kWorkers); }
TEST_F(Workers, OfOneQueueThatTheyShare) { run_with(1); }

}  // namespace
}  // namespace sluice
