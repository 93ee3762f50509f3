// Incident ids: a short id of one block, the same in the DNS answer's EDE text, the block event,
// the log and an appeal. 40 bits in Crockford's base 32, from a counter mixed with a per-boot
// secret, so that an id tells nothing of how many blocks there were.
//
// Thread safety: each lcore has its own source.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sluice::act {

struct IncidentId {
  std::array<char, 8> text{};
  [[nodiscard]] std::string_view view() const { return {text.data(), text.size()}; }
};

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
    z ^= z >> 31;
    constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    // Put together in a register: who copies the id would have to wait for eight stores.
    std::uint64_t digits = 0;
    for (unsigned i = 0; i < 8; ++i) {
      digits |= std::uint64_t{static_cast<std::uint8_t>(kDigits[z >> 5 * i & 31])} << 8 * i;
    }
    IncidentId id;
    std::memcpy(id.text.data(), &digits, sizeof digits);
    return id;
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::act
