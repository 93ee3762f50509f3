#include "dataplane/packet/checksum.h"

#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "dataplane/packet/bytes.h"

namespace sluice::packet {

namespace {

using Words = unsigned long long;

Words load_words(const std::uint8_t* at) {
  Words words;
  std::memcpy(&words, at, sizeof words);
  return words;
}

// The words are added as this machine reads them, 64 bits at a time, a carry going round to the
// front: the sum minds neither the order of the octets (RFC 1071 1.2 B) nor the width of the words
// (1.2 C).
std::uint64_t add_words(std::span<const std::uint8_t> bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t octets = bytes.size();
  Words wide = 0;
#ifdef __x86_64__
  for (; octets >= 64; at += 64, octets -= 64) {
    unsigned char carry = _addcarry_u64(0, wide, load_words(at), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 8), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 16), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 24), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 32), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 40), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 48), &wide);
    carry = _addcarry_u64(carry, wide, load_words(at + 56), &wide);
    // Does not carry again: for all ones and a carry, every addend would have to be all ones, and
    // the first one have a carry before it.
    wide += carry;
  }
#endif
  for (; octets >= 8; at += 8, octets -= 8) {
    const Words words = load_words(at);
    wide += words;
    wide += wide < words ? 1 : 0;
  }
  std::uint64_t sum = (wide & 0xffffffff) + (wide >> 32);
  if ((octets & 4) != 0) {
    std::uint32_t words;
    std::memcpy(&words, at, sizeof words);
    sum += words;
    at += 4;
  }
  if ((octets & 2) != 0) {
    std::uint16_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    at += 2;
  }
  if ((octets & 1) != 0) sum += *at;  // padded with a zero octet
  return sum;
}

}  // namespace

Sum checksum_add(Sum sum, std::span<const std::uint8_t> bytes) {
  return sum + turned(add_words(bytes));
}

void set_ipv4_checksum(std::uint8_t* ip) {
  store16(ip + 10, 0);
  store16(ip + 10, checksum_fold(checksum_add(0, {ip, 20})));
}

std::uint16_t transport_checksum(std::span<const std::uint8_t> addresses, std::uint8_t protocol,
                                 std::span<const std::uint8_t> segment) {
  const Sum pseudo = checksum_add(0, addresses) + protocol + segment.size();
  return checksum_fold(checksum_add(pseudo, segment));
}

ChecksumState tcp_checksum(std::span<const std::uint8_t> addresses,
                           std::span<const std::uint8_t> segment) {
  constexpr std::uint32_t kTcp = 6;
  const Sum pseudo = checksum_add(0, addresses) + kTcp + segment.size();
  if (checksum_fold(checksum_add(pseudo, segment)) == 0) return ChecksumState::good;
  const std::uint16_t stated = load16(&segment[16]);
  const auto left_to_card = static_cast<std::uint16_t>(~checksum_fold(pseudo));
  return stated == 0 || stated == left_to_card ? ChecksumState::partial : ChecksumState::bad;
}

}  // namespace sluice::packet
