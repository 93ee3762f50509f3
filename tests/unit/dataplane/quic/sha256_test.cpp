// The SHA instructions and the vectors against OpenSSL, in every number of lanes.
#include "dataplane/inspect/quic/sha256.h"

#include <gtest/gtest.h>
#include <random>

#include "dataplane/inspect/quic/derive_lanes.h"
#include "dataplane/inspect/quic/hkdf.h"

namespace sluice::inspect::quic {
namespace {

class Sha256 : public testing::Test {
 protected:
  template <class Words>
  Words any() {
    Words words;
    for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random_());
    return words;
  }

  std::mt19937 random_{std::random_device{}()};
};

TEST_F(Sha256, PropertyLanesAgreeWithTheLibrary) {
  for (int round = 0; round < 200; ++round) {
    for (std::size_t lanes = 1; lanes <= kMaxSha256Lanes; ++lanes) {
      std::vector<Sha256State> states(lanes);
      std::vector<Sha256Block> blocks(lanes);
      for (std::size_t i = 0; i < lanes; ++i) {
        states[i] = any<Sha256State>();
        blocks[i] = any<Sha256Block>();
      }
      std::vector<Sha256Constant> constants(blocks.begin(), blocks.end());
      std::vector<const Sha256Constant*> pointers;
      for (const Sha256Constant& constant : constants) pointers.push_back(&constant);
      const std::vector<Sha256State> before = states;
      std::vector<Sha256State> vectors;
      std::vector<Sha256State> expected = states;
      std::vector<Sha256State> scheduled = states;
      sha256_portable::compress(expected, blocks);
      sha256_compress(states, blocks);
      sha256_compress(scheduled, pointers);
      ASSERT_EQ(states, expected) << lanes;
      ASSERT_EQ(scheduled, expected) << lanes;
      for (const LaneSet set : {LaneSet::avx2, LaneSet::avx512}) {
        if (!has_lanes(set)) continue;
        compress_few(set, vectors = before, blocks);
        ASSERT_EQ(vectors, expected) << lanes;
      }
    }
  }
}

/// FIPS 180-4's own example: "abc".
TEST_F(Sha256, HashesAbc) {
  std::array<Sha256State, 1> states = {kSha256Start};
  std::array<Sha256Block, 1> block = {{{0x61626380}}};
  block[0].back() = 24;
  sha256_compress(states, block);
  EXPECT_EQ(states[0], (Sha256State{0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3,
                                    0x96177a9c, 0xb410ff61, 0xf20015ad}));
}

TEST_F(Sha256, PropertyTwoKeysSignAsEachAlone) {
  for (int round = 0; round < 200; ++round) {
    const std::array keys = {any<Sha256State>(), any<Sha256State>()};
    const HmacKeyPair pair(keys);
    const auto octets = [&] {
      std::vector<std::uint8_t> message(random_() % (kMaxHmacMessage + 1));
      for (std::uint8_t& octet : message) octet = static_cast<std::uint8_t>(random_());
      return message;
    };
    const std::array messages = {octets(), octets()};
    const auto each = pair.sign(std::array{last_block(messages[0]), last_block(messages[1])});
    const Sha256Constant constant(last_block(messages[0]));
    const auto same = pair.sign(constant);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(each[i], HmacKey(keys[i]).sign(messages[i]));
      ASSERT_EQ(same[i], HmacKey(keys[i]).sign(messages[0]));
    }
  }
}

}  // namespace
}  // namespace sluice::inspect::quic
