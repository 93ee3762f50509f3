// AES of one block, and the front of a payload.
#include "dataplane/inspect/quic/crypto.h"

#include <gtest/gtest.h>
#include <random>

#include "tests/unit/dataplane/quic/initial_builder.h"

namespace sluice::inspect::quic {
namespace {

/// FIPS 197 appendix B and C.1.
TEST(QuicCrypto, EncryptsABlock) {
  const auto crypto = Crypto::create();
  ASSERT_NE(crypto, nullptr);
  for (const auto& [key, plain, sealed] :
       {std::tuple{"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
                   "3925841d02dc09fbdc118597196a0b32"},
        std::tuple{"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
                   "69c4e0d86a7b0430d8cdb78070b4c55a"}}) {
    AesBlock key_octets;
    AesBlock block;
    std::ranges::copy(test::from_hex(key), key_octets.begin());
    std::ranges::copy(test::from_hex(plain), block.begin());
    EXPECT_EQ(test::to_hex(crypto->encrypt(key_octets, block)), sealed);
  }
}

TEST(QuicCrypto, PropertyBlocksTogetherAreAsOneByOne) {
  const auto crypto = Crypto::create();
  std::mt19937 random(std::random_device{}());
  const auto any_block = [&] {
    AesBlock block;
    for (std::uint8_t& octet : block) octet = static_cast<std::uint8_t>(random());
    return block;
  };
  for (int round = 0; round < 50; ++round) {
    for (std::size_t count = 0; count <= Crypto::kMaxBlocks; ++count) {
      std::vector<AesBlock> keys(count);
      std::vector<Crypto::Block> blocks(count);
      std::vector<AesBlock> expected(count);
      for (std::size_t i = 0; i < count; ++i) {
        keys[i] = any_block();
        blocks[i] = {&keys[i], any_block()};
        expected[i] = crypto->encrypt(keys[i], blocks[i].octets);
      }
      crypto->encrypt(blocks);
      for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(blocks[i].octets, expected[i]) << count;
    }
  }
}

TEST(QuicCrypto, PropertyTheFirstCounterShowsTheFrontOfWhatOpens) {
  const auto crypto = Crypto::create();
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 200; ++round) {
    Keys keys;
    for (auto* octets : {keys.key.data(), keys.header.data()}) {
      for (std::size_t i = 0; i < 16; ++i) octets[i] = static_cast<std::uint8_t>(random());
    }
    for (std::uint8_t& octet : keys.iv) octet = static_cast<std::uint8_t>(random());
    test::Bytes plain(random() % 40);
    for (std::uint8_t& octet : plain) octet = static_cast<std::uint8_t>(random());
    const std::uint64_t number = random();
    test::Bytes sealed(plain.size() + kTagOctets);
    ASSERT_TRUE(crypto->seal(keys, number, {}, plain, sealed.data()));
    const std::size_t octets = std::min<std::size_t>(plain.size(), 16);
    AesBlock front = crypto->encrypt(keys.key, Crypto::first_counter(keys, number));
    for (std::size_t i = 0; i < octets; ++i) front[i] ^= sealed[i];
    EXPECT_TRUE(std::equal(front.begin(), front.begin() + static_cast<std::ptrdiff_t>(octets),
                           plain.begin()));
  }
}

}  // namespace
}  // namespace sluice::inspect::quic
