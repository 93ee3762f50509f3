// The ECH configurations that DNS answers were seen to offer, so that a ClientHello's ECH extension
// can be told from GREASE: the two look the same on the wire, but real ECH repeats the config id
// and the public name that a client was given (RFC 9849 sections 4 and 6.2). What was offered to a
// client by encrypted DNS, or through another lcore, is not seen and counts as GREASE.
//
// Thread safety: belongs to one lcore.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::pipeline {

class EchSeen {
 public:
  void add(std::uint8_t config_id, std::string_view public_name) {
    const std::uint64_t mark = mark_of(config_id, public_name);
    for (const std::uint64_t one : marks_) {
      if (one == mark) return;
    }
    marks_[next_++ % marks_.size()] = mark;
  }
  [[nodiscard]] bool has(std::uint8_t config_id, std::string_view public_name) const {
    const std::uint64_t mark = mark_of(config_id, public_name);
    for (const std::uint64_t one : marks_) {
      if (one == mark) return true;
    }
    return false;
  }

 private:
  // FNV-1a over the lower-case name; a collision changes a counter, never a verdict.
  static std::uint64_t mark_of(std::uint8_t config_id, std::string_view name) {
    std::uint64_t mark = 0xcbf29ce484222325U ^ config_id;
    for (const char c : name) {
      mark ^= static_cast<std::uint8_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      mark *= 0x100000001b3U;
    }
    return mark | 1;
  }

  std::array<std::uint64_t, 64> marks_{};
  std::size_t next_ = 0;
};

}  // namespace sluice::pipeline
