// What a generation must say, worked out from the raw records of all layers anew for each name.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "config/generation/format.h"

namespace sluice::test {

using Entries = std::map<std::string, std::vector<generation::Record>>;  // by reversed key

inline bool reaches(generation::Scope scope, bool itself) {
  using generation::Scope;
  return scope == Scope::tree || scope == (itself ? Scope::exact : Scope::subs);
}

inline generation::Answer reference(const Entries& entries, const std::string& key) {
  using generation::Disposition;
  using generation::Layer;
  std::array<std::uint64_t, 5> layers{};
  std::uint64_t allowed = 0;
  generation::Answer answer;
  for (std::size_t end = key.find('.'); end != std::string::npos; end = key.find('.', end + 1)) {
    const auto found = entries.find(key.substr(0, end + 1));
    if (found == entries.end()) continue;
    answer.matched_labels = static_cast<std::uint8_t>(
        std::count(key.begin(), key.begin() + static_cast<long>(end) + 1, '.'));
    const bool itself = end + 1 == key.size();
    bool block = false;
    for (const generation::Record& r : found->second) {
      if (!reaches(r.scope, itself)) continue;
      if (r.disposition == Disposition::protect) answer.is_protected = true;
      if (r.disposition != Disposition::allow) continue;
      auto& mask = layers[static_cast<std::size_t>(r.layer)];
      mask = r.category == 0 ? 0 : mask & ~(1ULL << r.category);
      if (r.layer == Layer::site) allowed |= r.category == 0 ? ~0ULL : 1ULL << r.category;
    }
    for (const generation::Record& r : found->second) {
      if (!reaches(r.scope, itself) || r.disposition != Disposition::block) continue;
      layers[static_cast<std::size_t>(r.layer)] |= 1ULL << r.category;
      block |= r.layer == Layer::site;
    }
    if (block) allowed = 0;
  }
  for (const std::uint64_t mask : layers) answer.categories |= mask;
  answer.emergency = layers[4] != 0;
  if (allowed == 0) return answer;
  const std::uint64_t kept = layers[4] | (1ULL << 4);  // terror may never be lifted
  answer.local_allow = true;
  std::uint64_t left = 0;
  for (unsigned category = 0; category < 64; ++category) {
    const std::uint64_t bit = 1ULL << category;
    if ((answer.categories & bit) == 0) continue;
    if ((kept & bit) == 0 && (allowed & bit) == 0) answer.local_allow = false;
    if ((kept & bit) != 0 || (allowed & bit) == 0) left |= bit;
  }
  if (!answer.local_allow) answer.categories = left;
  return answer;
}

/// One to three records of any layer, scope and disposition.
inline std::vector<generation::Record> random_records(std::mt19937& random) {
  using generation::Disposition;
  const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  std::vector<generation::Record> records;
  for (unsigned r = 1 + pick(3); r > 0; --r) {
    const auto disposition = static_cast<Disposition>(pick(8) < 5 ? 0 : pick(3));
    const bool block = disposition == Disposition::block;
    records.push_back({0, static_cast<std::uint8_t>(block ? 1 + pick(26) : pick(2) * pick(26)),
                       static_cast<generation::Scope>(pick(3)), disposition,
                       static_cast<generation::Layer>(pick(5))});
  }
  return records;
}

}  // namespace sluice::test
