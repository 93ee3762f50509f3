// The index against LMDB and the reference, over many random lists and a million names.
#include "tests/unit/dataplane/index_fixture.h"
#include "tests/unit/dataplane/random_names.h"

namespace sluice::test {
namespace {

std::size_t compare(RandomNames& random, unsigned entries, unsigned labels, std::size_t names) {
  Entries list;
  for (unsigned n = 0; n < entries; ++n) {
    list[random.key(labels)] = random_records(random.engine());
  }
  std::vector<std::string> listed;
  for (const auto& [key, records] : list) listed.push_back(key);
  const Listed generation(std::move(list));
  std::vector<name::FoldedName> burst;
  while (names > 0) {
    burst.resize(std::min<std::size_t>(names, 1 + random.pick(100)));
    for (auto& name : burst) name = from_key(random.near(listed, labels));
    if (generation.differences(burst) > 0) return 1;
    names -= burst.size();
  }
  return 0;
}

TEST(IndexProperty, AgreesOnSmallListsOfNestedNames) {
  RandomNames random(20260817);
  for (unsigned round = 0; round < 60; ++round) {
    ASSERT_EQ(compare(random, random.pick(200), 2 + random.pick(30), 10'000), 0U) << round;
  }
}

TEST(IndexProperty, AgreesOnLongLists) {
  RandomNames random(20260822);
  for (unsigned round = 0; round < 8; ++round) {
    ASSERT_EQ(compare(random, 20'000, 20U << round, 50'000), 0U) << round;
  }
}

}  // namespace
}  // namespace sluice::test
