#include "dataplane/packet/checksum.h"

#include "dataplane/packet/bytes.h"

namespace sluice::packet {

std::uint32_t checksum_add(std::uint32_t sum, std::span<const std::uint8_t> bytes) {
  std::uint64_t wide = sum;
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) wide += load32(&bytes[i]);
  if (i + 2 <= bytes.size()) {
    wide += std::uint32_t{load16(&bytes[i])};
    i += 2;
  }
  if (i < bytes.size()) wide += std::uint32_t{bytes[i]} << 8;
  while (wide >> 16 != 0) wide = (wide & 0xffff) + (wide >> 16);
  return static_cast<std::uint32_t>(wide);
}

std::uint16_t checksum_fold(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

void set_ipv4_checksum(std::uint8_t* ip) {
  store16(ip + 10, 0);
  store16(ip + 10, checksum_fold(checksum_add(0, {ip, 20})));
}

std::uint16_t transport_checksum(std::span<const std::uint8_t> addresses, std::uint8_t protocol,
                                 std::span<const std::uint8_t> segment) {
  std::uint32_t sum = checksum_add(0, addresses);
  sum += protocol;
  sum += static_cast<std::uint32_t>(segment.size());
  return checksum_fold(checksum_add(sum, segment));
}

ChecksumState tcp_checksum(std::span<const std::uint8_t> addresses,
                           std::span<const std::uint8_t> segment) {
  constexpr std::uint32_t kTcp = 6;
  const std::uint32_t pseudo =
      checksum_add(0, addresses) + kTcp + static_cast<std::uint32_t>(segment.size());
  if (checksum_fold(checksum_add(pseudo, segment)) == 0) return ChecksumState::good;
  const std::uint16_t stated = load16(&segment[16]);
  const auto left_to_card = static_cast<std::uint16_t>(~checksum_fold(pseudo));
  return stated == 0 || stated == left_to_card ? ChecksumState::partial : ChecksumState::bad;
}

}  // namespace sluice::packet
