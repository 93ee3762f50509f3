#include "config/schema/nearest.h"

#include <algorithm>
#include <vector>

namespace sluice::schema {
namespace {

constexpr std::size_t kLongestWord = 64;

char fold(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

/// Optimal string alignment distance over folded letters.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = fold(a[i - 1]) == fold(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

/// The one known word that begins as a shortened one does: `friday` of "Fri".
std::string_view begun_by(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kShortest = 3;
  std::string_view out;
  for (const std::string_view candidate : known) {
    const bool begins = word.size() >= kShortest && candidate.size() > word.size() &&
                        std::equal(word.begin(), word.end(), candidate.begin(),
                                   [](char a, char b) { return fold(a) == fold(b); });
    if (!begins) continue;
    if (!out.empty()) return {};
    out = candidate;
  }
  return out;
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t d = distance(word, candidate);
    // A distance as long as the word itself would make any word near any other.
    if (d < least && d < candidate.size()) {
      least = d;
      best = candidate;
    }
  }
  return best.empty() ? begun_by(word, known) : best;
}

std::string suggest(std::string_view word, std::span<const std::string_view> known) {
  if (const std::string_view near = nearest(word, known); !near.empty()) {
    return "did you mean '" + std::string(near) + "'?";
  }
  if (known.empty()) return "none is defined";
  return "known are: " + join(known);
}

std::string join(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

}  // namespace sluice::schema
