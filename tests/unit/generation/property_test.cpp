// The file's answers against a reference that walks the raw records of all layers anew for each
// name.
#include <array>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#include "config/generation/reader.h"
#include "config/generation/writer.h"

namespace sluice::generation {
namespace {

using Entries = std::map<std::string, std::vector<Record>>;  // by reversed key

bool reaches(Scope scope, bool itself) {
  return scope == Scope::tree || scope == (itself ? Scope::exact : Scope::subs);
}

Answer reference(const Entries& entries, const std::string& key) {
  std::array<std::uint64_t, 5> layers{};
  Answer answer;
  for (std::size_t end = key.find('.'); end != std::string::npos; end = key.find('.', end + 1)) {
    const auto found = entries.find(key.substr(0, end + 1));
    if (found == entries.end()) continue;
    answer.matched_labels = static_cast<std::uint8_t>(
        std::count(key.begin(), key.begin() + static_cast<long>(end) + 1, '.'));
    const bool itself = end + 1 == key.size();
    bool allow = false;
    bool block = false;
    for (const Record& r : found->second) {
      if (!reaches(r.scope, itself)) continue;
      if (r.disposition == Disposition::protect) answer.is_protected = true;
      if (r.disposition != Disposition::allow) continue;
      auto& mask = layers[static_cast<std::size_t>(r.layer)];
      mask = r.category == 0 ? 0 : mask & ~(1ULL << r.category);
      allow |= r.layer == Layer::site;
    }
    for (const Record& r : found->second) {
      if (!reaches(r.scope, itself) || r.disposition != Disposition::block) continue;
      layers[static_cast<std::size_t>(r.layer)] |= 1ULL << r.category;
      block |= r.layer == Layer::site;
    }
    if (allow) answer.local_allow = true;
    if (block) answer.local_allow = false;
  }
  for (const std::uint64_t mask : layers) answer.categories |= mask;
  answer.emergency = layers[4] != 0;
  return answer;
}

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
    Entries entries;
    for (unsigned n = pick(200); n > 0; --n) {
      auto& records = entries[random_key()];
      for (unsigned r = 1 + pick(3); r > 0; --r) {
        const auto disposition = static_cast<Disposition>(pick(8) < 5 ? 0 : pick(3));
        const bool block = disposition == Disposition::block;
        records.push_back({0, static_cast<std::uint8_t>(block ? 1 + pick(26) : pick(2) * pick(26)),
                           static_cast<Scope>(pick(3)), disposition, static_cast<Layer>(pick(5))});
      }
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
      const Answer want = reference(entries, key);
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
