// Unaligned big-endian loads and stores on bytes that the caller has bounds-checked.
//
// Thread safety: free functions; safe on the data path.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace sluice::packet {

static_assert(std::endian::native == std::endian::little);

[[nodiscard]] inline std::uint16_t load16(const std::uint8_t* at) {
  std::uint16_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap16(value);
}

[[nodiscard]] inline std::uint32_t load24(const std::uint8_t* at) {
  return (std::uint32_t{at[0]} << 16) | (std::uint32_t{at[1]} << 8) | at[2];
}

[[nodiscard]] inline std::uint32_t load32(const std::uint8_t* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}

inline void store16(std::uint8_t* at, std::uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(at, &value, sizeof value);
}

inline void store32(std::uint8_t* at, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace sluice::packet
