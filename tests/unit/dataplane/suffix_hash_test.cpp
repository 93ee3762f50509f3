// The parts of the table that have a portable twin, or a contract of their own.
#include "dataplane/index/suffix_hash.h"

#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <set>
#include <string>

#include "dataplane/index/bucket.h"

namespace sluice::index {
namespace {

constexpr SuffixHash::Key kKey{{0x123456789abcdef0, 0x0fedcba987654321, 0x2143658709badcfe},
                               0x5555};
constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;

TEST(Bucket, FindsAsItsPortableTwinDoes) {
  std::mt19937 random(7);  // NOLINT: a fixed seed repeats a failure
  for (int round = 0; round < 100'000; ++round) {
    Bucket bucket;
    for (auto& tag : bucket.tags) tag = static_cast<std::uint16_t>(random() % 8);
    bucket.spilled = static_cast<std::uint16_t>(random() % 8);  // lies behind the tags
    bucket.deeper = static_cast<std::uint16_t>(random() % 8);
    for (auto& where : bucket.where) where = static_cast<std::int32_t>(random() % 8);
    for (std::uint16_t tag = 0; tag < 9; ++tag) {
      ASSERT_EQ(bucket.find(tag), bucket.find_portably(tag));
    }
  }
}

TEST(Bucket, HasNoTagOfAnEmptySlot) {
  EXPECT_EQ(tag_of(0xabcd0000), 1);
  EXPECT_EQ(tag_of(0xabcd0002), 2);
}

// Seven octets at a time in plain arithmetic, modulo the prime.
std::uint64_t polynomial(const std::string& label, std::uint64_t state) {
  __extension__ using Wide = unsigned __int128;
  const auto chunk = [&](std::size_t at) {
    std::uint64_t value = 0;
    if (at < label.size())
      std::memcpy(&value, &label[at], std::min<std::size_t>(7, label.size() - at));
    return value;
  };
  constexpr std::uint64_t kPointBits = (std::uint64_t{1} << 58) - 1;
  for (std::size_t at = 0; at < label.size(); at += 21) {
    Wide sum = Wide{state + chunk(at)} * (kKey.point[0] & kPointBits) % kPrime;
    for (const std::size_t i : {1U, 2U}) {
      sum += Wide{chunk(at + 7 * i)} * (kKey.point[i] & kPointBits) % kPrime;
    }
    state = static_cast<std::uint64_t>(sum % kPrime);
  }
  return state;
}

TEST(SuffixHash, IsThePolynomial) {
  const SuffixHash hash(kKey);
  std::mt19937 random(8);  // NOLINT
  for (std::size_t from = 0; from < 255; ++from) {
    for (std::size_t to = from + 1; to <= std::min<std::size_t>(255, from + 64); ++to) {
      // As large as a FoldedName's octets, so that a sanitizer sees every octet that is read behind.
      std::array<char, 255 + name::FoldedName::kReadable> key;
      for (char& octet : key) octet = static_cast<char>(random());
      const std::string label(&key[from], to - from);
      ASSERT_EQ(hash.extend(5, &key[from], to - from) % kPrime, polynomial(label, 5))
          << from << ' ' << to;
    }
  }
}

TEST(SuffixHash, TellsLabelsApart) {
  const SuffixHash hash(kKey);
  std::set<std::uint64_t> seen;
  std::size_t labels = 0;
  for (std::size_t length = 1; length <= 63; ++length) {
    for (const char octet : {'a', 'b', '\0'}) {
      std::array<char, 255 + name::FoldedName::kReadable> key{};
      std::memset(&key[1], octet, length);
      key[0] = static_cast<char>(length);
      seen.insert(hash.finish(hash.extend(SuffixHash::kRoot, key.data(), length + 1)));
      ++labels;
    }
  }
  EXPECT_EQ(seen.size(), labels);
}

}  // namespace
}  // namespace sluice::index
