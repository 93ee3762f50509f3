// The index against LMDB and the reference, over many random lists and a million names.
#include "tests/unit/dataplane/index_fixture.h"

namespace sluice::test {
namespace {

class RandomNames {
 public:
  explicit RandomNames(unsigned seed) : random_(seed) {}
  std::mt19937& engine() { return random_; }
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  /// One to five labels out of `labels` different ones, some of them prefixes of others.
  std::string key(unsigned labels) {
    std::string key;
    for (unsigned n = 1 + pick(5); n > 0; --n) key += label(pick(labels)) + '.';
    return key;
  }

  /// A name, mostly in some relation to a listed one.
  std::string near(const std::vector<std::string>& listed, unsigned labels) {
    if (listed.empty() || pick(4) == 0) return key(labels);
    std::string key = listed[pick(static_cast<unsigned>(listed.size()))];
    switch (pick(5)) {
      case 0:  // below it
        return key + label(pick(labels)) + '.' + (pick(2) == 0 ? label(pick(labels)) + '.' : "");
      case 1:  // above it
        key.resize(key.rfind('.', key.size() - 2) + 1);
        return key.empty() ? "a." : key;
      case 2:  // beside it
        key[key.size() - 2] = static_cast<char>('a' + pick(26));
        return key;
      case 3:  // longer by an octet
        key.insert(key.size() - 1, 1, 'x');
        return key;
      default:
        return key;
    }
  }

 private:
  static std::string label(unsigned number) {
    std::string label(1, static_cast<char>('a' + number % 26));
    for (; number >= 26; number /= 26) label += static_cast<char>('a' + number / 26 % 26);
    return number % 3 == 0 ? label + "-a-longer-one" : label;
  }

  std::mt19937 random_;
};

std::size_t compare(RandomNames& random, unsigned entries, unsigned labels, std::size_t names) {
  Entries list;
  for (unsigned n = 0; n < entries; ++n) {
    list[random.key(labels)] = random_records(random.engine());
  }
  std::vector<std::string> listed;
  for (const auto& [key, records] : list) listed.push_back(key);
  const Listed generation(std::move(list));
  std::vector<name::LookupName> burst;
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
