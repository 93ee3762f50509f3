// Initials in bursts, whose keys are derived together, beside the same Initials one by one.
#include <gtest/gtest.h>
#include <random>
#include <sys/mman.h>

#include "dataplane/pipeline/pipeline.h"
#include "tests/fuzz/generation.h"
#include "tests/unit/dataplane/quic/initial_builder.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;

class PipelineQuicTest : public testing::Test {
 protected:
  using Names = std::vector<std::string>;

  void SetUp() override {
    policy::PolicySet set;
    set.policies = {{"pupils", policy::bit(policy::find_category("gambling")->id), 0, false}};
    set.default_policy = "pupils";
    auto snapshot = index::Snapshot::build(fuzz::make_generation(), set, {}, 1);
    ASSERT_TRUE(snapshot);
    snapshot_ = std::move(*snapshot);
  }

  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }

  /// No name is blocked: what follows it is read still in the same burst, and no more in the next.
  /// Of few clients, so that keys are kept, and more of them than are kept; of several versions;
  /// a ClientHello whole or in two; some that nothing opens, and some that
  /// are no QUIC.
  std::vector<Bytes> any_frames(std::size_t least) {
    constexpr std::array<std::uint32_t, 4> kVersions = {test::kV1, test::kV1, test::kV2,
                                                        test::kDraft29};
    std::vector<Bytes> frames;
    while (frames.size() < least) {
      const auto port = static_cast<std::uint16_t>(2000 + below(6));
      const auto put = [&](const Bytes& payload) {
        frames.push_back(test::frame(payload, {.source_port = port, .destination_port = 443}));
      };
      const Bytes hello =
          test::handshake_hello(std::to_string(below(50)) + ".permitted.example", 300);
      test::InitialOptions options{.version = kVersions[below(kVersions.size())],
                                   .destination = Bytes(8 + below(13), 0)};
      for (std::uint8_t& octet : options.destination) octet = static_cast<std::uint8_t>(below(3));
      switch (below(5)) {
        case 0:
          put(test::protect(test::crypto_piece(hello, 0, 200), options));
          put(test::protect(test::crypto_piece(hello, 200, 999), options));
          break;
        case 1: {
          Bytes spoiled = test::protect(test::crypto_frame(0, hello), options);
          spoiled.back() ^= 1;
          put(spoiled);
          break;
        }
        case 2:
          put(Bytes(below(60), static_cast<std::uint8_t>(random_())));
          break;
        default:
          put(test::protect(test::crypto_frame(0, hello), options));
      }
    }
    return frames;
  }

  /// The names found in bursts of that many frames.
  Names names_of(std::vector<Bytes> frames, std::size_t burst) {
    stats::Counters counters;
    const auto pipeline = std::make_unique<Pipeline>(0, 7, counters, nullptr);
    Names names;
    for (std::size_t at = 0; at < frames.size(); at += burst) {
      std::vector<Packet> packets;
      for (std::size_t i = at; i < std::min(at + burst, frames.size()); ++i) {
        const auto length = static_cast<std::uint32_t>(frames[i].size());
        frames[i].resize(length + 512);
        packets.push_back(
            {.data = frames[i].data(), .length = length, .capacity = length + 512, .judge = true});
      }
      pipeline->process(*snapshot_, packets, 1000);
      for (std::size_t i = 0; i < pipeline->findings().size(); ++i) {
        names.push_back(std::to_string(at + pipeline->findings()[i].packet) + " " +
                        std::string(pipeline->name(i).view()));
      }
    }
    return names;
  }

  std::unique_ptr<const index::Snapshot> snapshot_;
  std::mt19937 random_{std::random_device{}()};
};

TEST_F(PipelineQuicTest, PropertyABurstIsAsItsFramesOneByOne) {
  for (int round = 0; round < 30; ++round) {
    const auto frames = any_frames(160);
    const Names expected = names_of(frames, 1);
    ASSERT_GT(expected.size(), 50U);
    for (const std::size_t burst : {2U, 7U, 20U, 32U}) ASSERT_EQ(names_of(frames, burst), expected);
  }
}

// Of the first burst, a datagram is left that was to be read and is not, and then its memory is
// gone: whatever looks at it ends here.
TEST_F(PipelineQuicTest, AnInitialToDnsOverQuicsPortLooksAtItsOwnBurstOnly) {
  policy::PolicySet set;
  set.policies = {{"pupils", policy::bit(policy::find_category("gambling")->id)}};
  set.policies[0].refuse_encrypted_dns = true;
  set.default_policy = "pupils";
  auto snapshot = index::Snapshot::build(fuzz::make_generation(), set, {}, 1);
  ASSERT_TRUE(snapshot);
  const auto initial = [](std::string_view destination, std::uint16_t port) {
    Bytes id;
    test::put(id, destination);
    const Bytes datagram =
        test::protect(test::crypto_frame(0, test::handshake_hello("permitted.example", 300)),
                      {.version = test::kV1, .destination = id});
    return test::frame(datagram, {.source_port = 2000, .destination_port = port});
  };
  Bytes half = {0xd0, 0x6b, 0x33, 0x43, 0xcf, 8};  // version 2, and nothing good behind the ID
  test::put(half, "abcdefgh");
  half.insert(half.end(), 30, 0xff);
  constexpr std::size_t kRoom = 4096;
  const auto map = [] {
    return static_cast<std::uint8_t*>(
        mmap(nullptr, 2 * kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  };
  stats::Counters counters;
  const auto pipeline = std::make_unique<Pipeline>(0, 7, counters, nullptr);
  const auto run = [&](std::uint8_t* room, const std::vector<Bytes>& frames) {
    std::vector<Packet> packets;
    for (const Bytes& frame : frames) {
      std::copy(frame.begin(), frame.end(), room);
      packets.push_back({.data = room,
                         .length = static_cast<std::uint32_t>(frame.size()),
                         .capacity = kRoom,
                         .judge = true});
      room += kRoom;
    }
    pipeline->process(**snapshot, packets, 1000);
    return packets[0].fate;
  };
  std::uint8_t* const first = map();
  ASSERT_NE(first, MAP_FAILED);
  EXPECT_EQ(run(first, {initial("original", 443),
                        test::frame(half, {.source_port = 2001, .destination_port = 443})}),
            Fate::forward);
  ASSERT_EQ(mprotect(first, 2 * kRoom, PROT_NONE), 0);
  std::uint8_t* const second = map();
  ASSERT_NE(second, MAP_FAILED);
  EXPECT_EXIT(
      {
        const Fate fate = run(second, {initial("another1", 853), initial("another2", 853)});
        std::_Exit(static_cast<int>(fate));
      },
      testing::ExitedWithCode(static_cast<int>(Fate::drop)), "");
  EXPECT_EQ(run(second, {initial("another1", 853), initial("another2", 853)}), Fate::drop);
  EXPECT_EQ(pipeline->emissions().size(), 2U);  // both were told
  munmap(first, 2 * kRoom);
  munmap(second, 2 * kRoom);
}

}  // namespace
}  // namespace sluice::pipeline
