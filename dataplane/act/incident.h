// Incident ids: a short id of one block, the same in the DNS answer's EDE text, the block event,
// the log and an appeal. 40 bits in Crockford's base 32, from a counter mixed with a per-boot
// secret, so that an id tells nothing of how many blocks there were.
//
// Thread safety: each lcore has its own source.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::act {

struct IncidentId {
  std::uint64_t bits = 0;  // the lowest 40 count

  /// As people see it. Made where it is written: most blocked queries' answers hold none.
  [[nodiscard]] std::array<char, 8> text() const {
    constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::array<char, 8> digits;
    for (unsigned i = 0; i < digits.size(); ++i) digits[i] = kDigits[bits >> 5 * i & 31];
    return digits;
  }
};

/// Of the id's text, which must outlive it.
[[nodiscard]] inline std::string_view view(const std::array<char, 8>& text) {
  return {text.data(), text.size()};
}

class IncidentSource {
 public:
  /// `secret`: random, chosen at start. `stream`: distinct for each lcore.
  IncidentSource(std::uint64_t secret, std::uint64_t stream)
      : state_(secret ^ (stream * 0xd1342543de82ef95U)) {}

  [[nodiscard]] IncidentId next() {
    // splitmix64: a bijection of the counter, so that no id repeats before the counter does.
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return {z ^ (z >> 31)};
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::act
