#include "control/compile/key_sort.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace sluice::compile {
namespace {

/// Sorted by the library, each once.
std::vector<std::string_view> expected(std::vector<std::string_view> keys) {
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

TEST(KeySort, SortsAsTheLibraryDoes) {
  std::mt19937 random(20260901);  // NOLINT: a fixed seed repeats a failure
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> owned(pick(400));
    for (std::string& key : owned) {
      // Few different labels, of lengths about the eight octets that are compared at once.
      for (unsigned labels = 1 + pick(4); labels > 0; --labels) {
        key += std::string(1 + pick(9), static_cast<char>('a' + pick(2))) + '.';
      }
      if (pick(8) == 0) key += static_cast<char>(0x80 + pick(0x80));
    }
    std::vector<std::string_view> keys(owned.begin(), owned.end());
    const auto wanted = expected(keys);
    sort_unique_keys(keys);
    ASSERT_EQ(keys, wanted);
  }
}

TEST(KeySort, KeepsOneOfManyLongEqualKeys) {
  const std::string one = std::string(253, 'a') + '.';
  const std::string other = std::string(252, 'a') + "b.";
  std::vector<std::string_view> keys(1000, other);
  keys.insert(keys.end(), 1000, one);
  sort_unique_keys(keys);
  EXPECT_EQ(keys, (std::vector<std::string_view>{one, other}));
}

}  // namespace
}  // namespace sluice::compile
