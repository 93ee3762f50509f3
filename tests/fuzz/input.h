// Reads a fuzz target's input as the decisions it stands for. Past the end, every decision is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::uint8_t next8() {
    if (left_.empty()) return 0;
    const std::uint8_t value = left_[0];
    left_ = left_.subspan(1);
    return value;
  }
  std::uint16_t next16() {
    const unsigned high = next8();
    return static_cast<std::uint16_t>(high << 8 | next8());
  }
  /// At most `octets` of what is left.
  std::span<const std::uint8_t> take(std::size_t octets) {
    const auto taken = left_.first(std::min(octets, left_.size()));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  std::span<const std::uint8_t> rest() { return take(left_.size()); }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace sluice::fuzz
