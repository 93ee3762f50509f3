// The file's answers against a reference, for many random lists.
#include <array>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include "config/generation/reader.h"
#include "config/generation/writer.h"
#include "tests/unit/generation/reference.h"

namespace sluice::generation {
namespace {

TEST(GenerationProperty, AgreesWithTheReferenceOnRandomLists) {
  std::mt19937 random(20260817);  // NOLINT: a fixed seed repeats a failure
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  const auto random_key = [&] {
    std::string key;
    for (unsigned labels = 1 + pick(5); labels > 0; --labels) {
      key += std::array{"a", "b", "a-b", "ab", "c"}[pick(5)];
      key += '.';
    }
    return key;
  };
  const auto path = std::filesystem::temp_directory_path() /
                    ("sluice-property-" + std::to_string(getpid()) + ".lmdb");
  std::size_t compared = 0;
  for (int round = 0; round < 40; ++round) {
    test::Entries entries;
    for (unsigned n = pick(200); n > 0; --n) {
      auto& records = entries[random_key()];
      for (const Record& record : test::random_records(random)) records.push_back(record);
    }
    auto writer = Writer::create(path);
    ASSERT_TRUE(writer);
    for (const auto& [key, records] : entries) ASSERT_TRUE(writer->append(key, records));
    ASSERT_TRUE(writer->finish(1, "t"));
    const auto generation = Generation::open(path);
    ASSERT_TRUE(generation);
    const auto cursor = (*generation)->cursor();
    for (int query = 0; query < 3000; ++query) {
      const std::string key = random_key();
      name::LookupName name;
      ASSERT_EQ(name::from_text(name::from_reversed_key(key), name), name::Defect::none);
      const Answer got = cursor->find(name);
      const Answer want = test::reference(entries, key);
      ASSERT_EQ(got.categories, want.categories) << key;
      ASSERT_EQ(got.is_protected, want.is_protected) << key;
      ASSERT_EQ(got.emergency, want.emergency) << key;
      ASSERT_EQ(got.local_allow, want.local_allow) << key;
      ASSERT_EQ(got.matched_labels, want.matched_labels) << key;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 120'000U);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sluice::generation
