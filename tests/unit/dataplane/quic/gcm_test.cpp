// Packets that a library sealed, opened by each way there is: lengths about every multiple of what
// is done at once, and a flipped bit anywhere.
#include <gtest/gtest.h>
#include <random>

#include "dataplane/inspect/quic/crypto.h"
#include "tests/unit/dataplane/quic/initial_builder.h"
#if defined(__x86_64__)
#include "dataplane/inspect/quic/gcm_aes_ni.h"
#endif

namespace sluice::inspect::quic {
namespace {

class Gcm : public testing::Test {
 protected:
  void fill(auto&& octets) {
    for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random_());
  }

  /// `begin` and `open`: as those of the Crypto.
  void check(std::size_t header_octets, std::size_t octets, auto&& begin, auto&& open) {
    Keys keys;
    fill(keys.key);
    fill(keys.iv);
    fill(keys.header);
    test::Bytes header(header_octets);
    test::Bytes plain(octets);
    fill(header);
    fill(plain);
    const std::uint64_t number = random_() % 2 == 0 ? random_() : std::uint64_t{random_()} << 30;
    test::Bytes sealed(octets + kTagOctets);
    ASSERT_TRUE(crypto_->seal(keys, number, header, plain, sealed.data()));
    AesBlock sample;
    fill(sample);
    ASSERT_EQ(begin(keys, sample), crypto_->header_mask(keys, sample));
    test::Bytes out(sealed.size());
    const auto opens = [&](std::uint64_t as) { return open(keys, as, header, sealed, out.data()); };
    ASSERT_TRUE(opens(number)) << header_octets << "+" << octets;
    out.resize(octets);
    ASSERT_EQ(out, plain) << header_octets << "+" << octets;
    out.resize(sealed.size());
    EXPECT_FALSE(opens(number + 1));
    for (test::Bytes* spoilt : {&header, &sealed}) {
      if (spoilt->empty()) continue;
      std::uint8_t& octet = (*spoilt)[random_() % spoilt->size()];
      const auto bit = static_cast<std::uint8_t>(1U << random_() % 8);
      octet ^= bit;
      EXPECT_FALSE(opens(number)) << header_octets << "+" << octets;
      octet ^= bit;
    }
    ASSERT_TRUE(opens(number));
  }

  void check_lengths(auto&& begin, auto&& open) {
    for (std::size_t octets = 0; octets < 420; ++octets) check(random_() % 80, octets, begin, open);
    for (std::size_t header = 0; header < 330; ++header) {
      check(header, random_() % 1500, begin, open);
    }
    for (const std::size_t octets : {1162, 1200, 1452, 4096 + 7, 16 * 1024 - 40}) {
      check(22, octets, begin, open);
    }
  }

  const std::unique_ptr<Crypto> crypto_ = Crypto::create();
  std::mt19937 random_{std::random_device{}()};
};

TEST_F(Gcm, PropertyWhatWasSealedOpensAndNothingElse) {
  check_lengths(
      [&](const Keys& keys, const AesBlock& sample) { return crypto_->begin(keys, sample); },
      [&](const Keys&, std::uint64_t number, const auto& header, const auto& sealed,
          std::uint8_t* out) { return crypto_->open(number, header, sealed, out); });
}

#if defined(__x86_64__)
/// Not only as this processor does it best.
TEST_F(Gcm, PropertyBothWidthsOpenWhatWasSealed) {
  ASSERT_TRUE(GcmAesNi::works_here()) << "a machine with AES-NI is needed to test this";
  for (const bool in_pairs : {false, true}) {
    if (in_pairs && !GcmAesNi::has_pairs()) continue;
    GcmAesNi opener(in_pairs);
    check_lengths(
        [&](const Keys& keys, const AesBlock& sample) { return opener.begin(keys, sample); },
        [&](const Keys& keys, std::uint64_t number, const auto& header, const auto& sealed,
            std::uint8_t* out) {
          const auto octets = std::span(sealed).first(sealed.size() - kTagOctets);
          return opener.open(make_nonce(keys, number), header, octets, out);
        });
  }
}
#endif

}  // namespace
}  // namespace sluice::inspect::quic
