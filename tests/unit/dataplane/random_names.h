// Names that are mostly in some relation to each other: above, below, beside.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace sluice::test {

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

}  // namespace sluice::test
